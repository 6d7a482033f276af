"""What to start when a sweep or a walk-forward study is asked for."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ktrdr.api.services.pinning import pin_symbols, strategy_source
from ktrdr.api.services.starting import BACKTEST_QUEUE, Plan, Planned
from ktrdr.schemas import (
    Snapshots,
    SweepRequest,
    SweepStart,
    WalkForwardRequest,
    WalkForwardStart,
    WorkerDocument,
)

if TYPE_CHECKING:
    from ktrdr.storage import ArtifactStore
    from ktrdr.strategy import Strategy
    from ktrdr.studies import StudyPlan

# Kinds of children that train, so that their device decides the queue.
_TRAINING_KINDS = frozenset({"training", "training_trials"})


def plan_sweep_start(
    start: SweepStart, store: "ArtifactStore", *, n_workers: int
) -> Plan:
    """Return the sweep and its children, model and bars pinned.

    Parameters
    ----------
    n_workers : int
        Jobs that may run at once: trials are packed for so many.

    Raises
    ------
    KtrdrError
        Whatever is wrong with strategy, model, parameters or bars.
    """
    from ktrdr.studies import plan_sweep

    request = _pinned_sweep(start, store)
    plan = plan_sweep(request, store, n_workers=n_workers)
    return _whole("sweep", request, plan)


def plan_walk_forward_start(start: WalkForwardStart, store: "ArtifactStore") -> Plan:
    """Return the study and its children, bars pinned.

    Raises
    ------
    KtrdrError
        Whatever is wrong with strategy, windows or bars.
    """
    from ktrdr.strategy import parse_strategy
    from ktrdr.studies import plan_walk_forward

    given = strategy_source(start.strategy, start.strategy_name, start.source)
    strategy = parse_strategy(given.text, given.source)
    request = start.request(strategy=given.text, source=given.source)
    pinned = _pins(store, strategy, strategy.training_data.symbols, start)
    request = request.model_copy(update={"snapshots": pinned})
    return _whole("walk_forward", request, plan_walk_forward(request, store))


def count_slots(workers: Iterable[WorkerDocument]) -> int:
    """Return how many backtests the workers can do at once, at least 1."""
    ready = (
        one for one in workers if one.state == "ready" and BACKTEST_QUEUE in one.queues
    )
    return max(1, sum(one.concurrency for one in ready))


def _pinned_sweep(start: SweepStart, store: "ArtifactStore") -> SweepRequest:
    from ktrdr.models import find_model, load_manifest
    from ktrdr.strategy import parse_strategy

    if start.model is not None:
        model = find_model(store, start.model)
        text = load_manifest(store, model.digest).strategy_yaml
        request = start.request(strategy=None, source=start.source)
        request = request.model_copy(update={"model": str(model.digest)})
        strategy = parse_strategy(text, str(model))
        trained: tuple[str, ...] = ()
    else:
        given = strategy_source(start.strategy, start.strategy_name, start.source)
        request = start.request(strategy=given.text, source=given.source)
        strategy = parse_strategy(given.text, given.source)
        trained = strategy.training_data.symbols
    pinned = _pins(store, strategy, trained, start)
    return request.model_copy(update={"snapshots": pinned})


def _pins(
    store: "ArtifactStore",
    strategy: "Strategy",
    trained: Sequence[str],
    start: SweepStart | WalkForwardStart,
) -> Snapshots:
    from ktrdr.data import parse_symbol

    # Trained on some symbols, traded on one that may be another.
    traded = parse_symbol(start.symbol or strategy.training_data.symbols[0])
    symbols = dict.fromkeys([*trained, traded])
    return pin_symbols(store, strategy, symbols, start.snapshots)


def _whole(
    kind: str, study: SweepRequest | WalkForwardRequest, plan: "StudyPlan"
) -> Plan:
    return Plan(
        whole=Planned(
            kind=kind,
            title=plan.title,
            request=study.model_dump(mode="json"),
        ),
        children=[
            Planned(
                kind=run.kind,
                title=run.title,
                request=run.request.model_dump(mode="json"),
                device=study.device if run.kind in _TRAINING_KINDS else None,
            )
            for run in plan.runs
        ],
    )
