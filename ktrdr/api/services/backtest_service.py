"""What to start when a backtest is asked for."""

from typing import TYPE_CHECKING

from ktrdr.api.services.pinning import pin_symbols
from ktrdr.api.services.starting import Plan, Planned
from ktrdr.errors import InputError
from ktrdr.schemas import BacktestStart

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np

    from ktrdr.data import Snapshot
    from ktrdr.models import SplitPart
    from ktrdr.storage import ArtifactStore


def plan_backtest(start: BacktestStart, store: "ArtifactStore") -> Plan:
    """Return the backtest as an operation, its model and bars pinned.

    Raises
    ------
    NotFoundError, ConflictError, BundleError
        If there is no such model, several are meant, or it is damaged.
    StrategyError
        If the overrides make the model's strategy invalid.
    InputError
        If symbol, period or snapshots can't be used.
    """
    from ktrdr.data import BarStore, parse_symbol
    from ktrdr.models import find_model, load_manifest
    from ktrdr.strategy import check_trading_paths, with_overrides

    model = find_model(store, start.model)
    manifest = load_manifest(store, model.digest)
    check_trading_paths(start.overrides)
    _, strategy = with_overrides(manifest.strategy_yaml, start.overrides, str(model))
    symbol = parse_symbol(start.symbol or strategy.training_data.symbols[0])
    pinned = pin_symbols(store, strategy, [symbol], start.snapshots)
    base = pinned[symbol][strategy.training_data.base_timeframe]
    _check_period(start, manifest.split.test, BarStore(store).get(base))
    request = start.request().model_copy(
        update={"model": str(model.digest), "symbol": symbol, "snapshots": pinned}
    )
    return Plan(
        whole=Planned(
            kind="backtest",
            title=f"backtest {model} on {symbol}",
            request=request.model_dump(mode="json"),
        )
    )


def _check_period(start: BacktestStart, test: "SplitPart", bars: "Snapshot") -> None:
    from ktrdr.data import from_iso

    first, end = start.start, start.end
    if first is None and end is None and start.part == "test":
        # The bar at the end of the part belongs to it, here it is left out: what has
        # one bar only is for the job to judge.
        first, end = test.start, test.end
    if first is not None and end is not None and from_iso(first) > from_iso(end):
        raise InputError(f"the backtest would start {first} and end before, {end}")
    is_late = first is not None and from_iso(first) >= _time(bars.end)
    is_early = end is not None and from_iso(end) < _time(bars.start)
    if is_late or is_early:
        raise InputError(
            f"no bar from {first or 'the first'} to {end or 'the last'}: {bars}; "
            "choose another period or import these bars"
        )


def _time(moment: "datetime") -> "np.datetime64":
    from ktrdr.data import from_iso

    return from_iso(moment.isoformat())
