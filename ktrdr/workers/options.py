"""What a worker is asked to be, and the queues that it may take work from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ktrdr.errors import InputError

WorkerKind = Literal["backtest", "training"]
# What a training worker may take follows from its device. A GPU's own work comes
# first by its priority, not by the order here.
_TRAINING_QUEUES: Mapping[str, tuple[str, ...]] = {
    "cpu": ("training-cpu",),
    "cuda": ("training-gpu", "training-cpu"),
    "mps": ("training-mps", "training-cpu"),
}


@dataclass(frozen=True, kw_only=True)
class WorkerOptions:
    """How a worker is started.

    Attributes
    ----------
    kind : str
        Which jobs it does.
    queues : sequence of str
        Which of its queues it takes work from; all of them if empty.
    concurrency : int
        Jobs that it runs at once.
    device : str
        Where a training worker trains.
    name : str or None
        As what it registers; made of host, kind and port if left out.
    port : int or None
        First port to try for health and metrics; the settings' if left out.
    """

    kind: WorkerKind
    queues: Sequence[str] = ()
    concurrency: int = 1
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    name: str | None = None
    port: int | None = None


def queues_of(options: WorkerOptions, device: str) -> tuple[str, ...]:
    """Return the queues that such a worker on ``device`` takes work from.

    Raises
    ------
    InputError
        If it was asked to take what it can't do.
    """
    if options.kind == "training":
        able = _TRAINING_QUEUES[device]
    else:
        able = ("backtest",)
    wrong = [name for name in options.queues if name not in able]
    if wrong:
        where = f" on {device}" if options.kind == "training" else ""
        raise InputError(
            f"a {options.kind} worker{where} can't do the work of the queue "
            f"{', '.join(wrong)}: it takes {', '.join(able)}"
        )
    return tuple(dict.fromkeys(options.queues)) or able
