"""The kinds of operations, and the modules of the jobs that do them.

Names, not imports: a worker loads none of what its jobs need.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ktrdr.errors import IncompatibleError

_EVERY = frozenset({"store", "operation"})
_TRAINING = _EVERY | {"checkpoints", "device", "threads", "resume"}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How operations of one kind are done.

    Attributes
    ----------
    module : str or None
        What the job process runs; None when there is nothing to do.
    fields : frozenset of str
        Fields of the request that the worker fills in.
    is_parent : bool
        Whether the job puts the outcomes of the operation's children together.
    """

    module: str | None
    fields: frozenset[str] = _EVERY
    is_parent: bool = False

    @property
    def can_checkpoint(self) -> bool:
        """Whether the job can be stopped and gone on with."""
        return "checkpoints" in self.fields


KINDS: Mapping[str, Kind] = {
    "training": Kind(
        module="ktrdr.workers.training_job", fields=_TRAINING | {"restart_if_unusable"}
    ),
    "backtest": Kind(module="ktrdr.workers.backtest_job"),
    "trials": Kind(module="ktrdr.workers.trials_job"),
    "training_trials": Kind(
        module="ktrdr.workers.training_trials_job", fields=_TRAINING
    ),
    "sweep": Kind(module="ktrdr.workers.study_job", is_parent=True),
    "walk_forward": Kind(module="ktrdr.workers.study_job", is_parent=True),
    # Measures and checks the queue.
    "probe": Kind(module=None),
}


def kind_of(name: str) -> Kind:
    """Return the kind of that name.

    Raises
    ------
    IncompatibleError
        If this release of ktrdr knows none.
    """
    if name not in KINDS:
        raise IncompatibleError(
            f"this worker knows no operation of kind {name!r}: it does "
            f"{', '.join(KINDS)}; run a worker of the release that made the operation"
        )
    return KINDS[name]
