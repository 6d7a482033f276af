"""Plan a walk-forward study: a training and a backtest for each window."""

from ktrdr.data import Bars, BarStore, Timeframe, to_iso, to_minute
from ktrdr.features import load_symbol_bars
from ktrdr.schemas import Overrides, Snapshots, Trial, TrialsRequest, WalkForwardRequest
from ktrdr.storage import ArtifactStore
from ktrdr.strategy import Strategy, TradingOverrides, parse_strategy
from ktrdr.studies.plan import PlannedRun, StudyPlan, model_name, pinned
from ktrdr.studies.windows import Window, make_windows
from ktrdr.typing import TimeArray


def plan_walk_forward(request: WalkForwardRequest, store: ArtifactStore) -> StudyPlan:
    """Return the jobs of a walk-forward study: one a window.

    Each trains on the bars before its test, which the strategy's purge and embargo
    keep apart from it, and trades the test alone. A window uses no bar after its
    end: neither its model nor its trades change when more bars are imported.

    Raises
    ------
    StrategyError
        If the strategy is invalid.
    NotFoundError
        If bars are not stored.
    InputError
        If there are too few bars for the windows.
    """
    strategy = parse_strategy(request.strategy, request.source)
    data = strategy.training_data
    snapshots = pinned(
        store,
        strategy,
        trained=data.symbols,
        traded=request.symbol,
        given=request.snapshots,
    )
    windows = make_windows(
        [_times(store, strategy, symbol, snapshots) for symbol in data.symbols],
        strategy.training.split,
        n_windows=request.n_windows,
        train_fraction=request.train_fraction,
        is_anchored=request.is_anchored,
        bar=Timeframe(data.base_timeframe).duration,
    )
    runs = tuple(
        _run(request, strategy, window, number, snapshots)
        for number, window in enumerate(windows)
    )
    kind = "anchored" if request.is_anchored else "rolling"
    return StudyPlan(
        title=f"walk-forward of {strategy.name}: {len(runs)} {kind} windows",
        runs=runs,
        n_trials=len(runs),
    )


def window_overrides(window: Window) -> Overrides:
    """Return what makes a strategy's training that of the window."""
    train, validation, test = window.shares
    return {
        "training_data.start": to_iso(window.start),
        "training_data.end": to_iso(window.test_end),
        "training.split.train": train,
        "training.split.validation": validation,
        "training.split.test": test,
    }


def _run(
    request: WalkForwardRequest,
    strategy: Strategy,
    window: Window,
    number: int,
    snapshots: Snapshots,
) -> PlannedRun:
    training = window_overrides(window)
    # Told now, not by every job, should the strategy not take them.
    TradingOverrides(request.strategy, request.source, training)
    return PlannedRun(
        kind="training_trials",
        title=f"{strategy.name}: window {number + 1} of {request.n_windows}, tested "
        f"{to_minute(window.test_start)} to {to_minute(window.test_end)}",
        request=TrialsRequest(
            strategy=request.strategy,
            source=request.source,
            training=training,
            model_name=model_name(strategy, "window"),
            trials=(Trial(number=number, overrides={}),),
            symbol=request.symbol,
            part="test",
            test_start=to_iso(window.test_start),
            test_end=to_iso(window.test_end),
            snapshots=snapshots,
            device=request.device,
            threads=request.threads,
        ),
    )


def _times(
    store: ArtifactStore, strategy: Strategy, symbol: str, snapshots: Snapshots
) -> TimeArray:
    """Return the opening times of base bars that a training may use."""
    data = strategy.training_data
    bars: Bars = load_symbol_bars(
        BarStore(store), strategy, symbol, snapshots[symbol]
    ).base
    time = bars[data.history_required :].time
    usable = time == time
    if data.start_time is not None:
        usable &= time >= data.start_time
    if data.end_time is not None:
        usable &= time < data.end_time
    chosen: TimeArray = time[usable]
    return chosen
