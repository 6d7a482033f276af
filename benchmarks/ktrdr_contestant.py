"""The work done by ktrdr, through what it ships."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import sweep
from benchmarks.work import (
    FEE,
    GIVEN_FEE,
    GIVEN_UNITS,
    INITIAL_CASH,
    PAIRS,
    STOP_LOSS,
    TAKE_PROFIT,
    WINDOWS,
    Outcome,
    Prices,
    given_targets,
)
from ktrdr.backtesting import equity_statistics, simulate, years_of
from ktrdr.data import Bars, Timeframe
from ktrdr.indicators import IndicatorUse, compute_indicator
from ktrdr.models import find_model
from ktrdr.progress import NoProgress
from ktrdr.schemas import BacktestRequest, Overrides
from ktrdr.storage import ArtifactStore
from ktrdr.strategy import (
    BacktestSpec,
    CostsSpec,
    FractionSizing,
    StopsSpec,
    UnitsSizing,
)
from ktrdr.studies import TrialBench, plan_sweep
from ktrdr.typing import FloatArray, TargetArray

NAME = "ktrdr"
NOTE = ""

# As much as cash pays for, its commission included: what the peers call all-in.
ALL_IN = FractionSizing(type="fraction", fraction=1 / (1 + FEE))
CROSS = BacktestSpec(
    initial_cash=INITIAL_CASH, costs=CostsSpec(commission_rate=FEE), sizing=ALL_IN
)
STOPS = StopsSpec(stop_loss=STOP_LOSS, take_profit=TAKE_PROFIT)
SPECS = {
    "W1": CROSS,
    "W2": CROSS.model_copy(update={"stops": STOPS}),
    "W3": CROSS,
    "W4": BacktestSpec(
        initial_cash=INITIAL_CASH,
        costs=CostsSpec(commission_rate=GIVEN_FEE),
        sizing=UnitsSizing(type="units", units=GIVEN_UNITS),
    ),
}


def prepare(work: str, prices: Prices) -> Callable[[], Outcome]:
    """Return the work as a function; bars are made before, as the peers' frames are."""
    if work == sweep.NAME:
        return _trials()
    bars = bars_of(prices)
    spec = SPECS[work]
    if work == "W3":
        return lambda: _sweep(bars, spec)
    if work == "W4":
        targets = given_targets(len(bars))
        return lambda: outcome(bars, targets, spec)
    return lambda: outcome(bars, cross_targets(bars), spec)


def bars_of(prices: Prices) -> Bars:
    return Bars(
        symbol="WALK",
        timeframe=Timeframe.M5,
        time=prices.time,
        open=prices.open,
        high=prices.high,
        low=prices.low,
        close=prices.close,
        volume=np.zeros(len(prices)),
    )


def moving_average(bars: Bars, window: int) -> FloatArray:
    use = IndicatorUse(type="sma", parameters={"timeperiod": window})
    (values,) = compute_indicator(use, bars).values()
    return values


def cross_targets(bars: Bars) -> TargetArray:
    """Long while the fast average is above the slow one, else flat."""
    fast, slow = (moving_average(bars, window) for window in WINDOWS)
    return (fast > slow).view(np.int8)


def outcome(bars: Bars, targets: TargetArray, spec: BacktestSpec) -> Outcome:
    simulation = simulate(bars, targets, spec)
    statistics = equity_statistics(
        simulation.equity, initial_cash=spec.initial_cash, years=years_of(bars)
    )
    return Outcome(
        n_trades=len(simulation.trades),
        equity=float(simulation.equity[-2]),
        sharpe=statistics.sharpe,
        max_drawdown=statistics.max_drawdown,
    )


def _sweep(bars: Bars, spec: BacktestSpec) -> Outcome:
    windows = sorted({window for pair in PAIRS for window in pair})
    averages = {window: moving_average(bars, window) for window in windows}
    outcomes = [
        outcome(bars, (averages[fast] > averages[slow]).view(np.int8), spec)
        for fast, slow in PAIRS
    ]
    return Outcome(
        n_trades=sum(one.n_trades for one in outcomes),
        equity=float(np.mean([one.equity for one in outcomes])),
        sharpe=float(np.mean([one.sharpe for one in outcomes])),
        max_drawdown=float(np.mean([one.max_drawdown for one in outcomes])),
    )


def _trials() -> Callable[[], Outcome]:
    """All points of the sweep, from the stored model and bars on."""
    store = ArtifactStore.in_folder(Path(os.environ[sweep.STORE_VARIABLE]))
    model = find_model(store, "momentum").digest
    request = BacktestRequest(model=model, symbol=sweep.SYMBOL, part="all")
    # Tables of trials don't tell what was there before the last bar.
    bench = TrialBench(store, request)
    curves = [bench.simulate({sweep.THRESHOLD: one})[0] for one in sweep.THRESHOLDS]
    money = float(np.mean([curve.equity[-2] for curve in curves]))

    def run() -> Outcome:
        plan = plan_sweep(sweep.request(model), store, n_workers=1)
        trials = [trial for run in plan.runs for trial in run.request.trials]
        rows = TrialBench(store, request).run(trials, NoProgress())
        plain = [row.measures for row in rows if not _has_stops(row.parameters)]
        return Outcome(
            n_trades=int(sum(row.measures["n_trades"] or 0 for row in rows)),
            equity=money,
            sharpe=float(np.mean([one["sharpe"] or 0 for one in plain])),
            max_drawdown=float(np.mean([one["max_drawdown"] for one in plain])),
        )

    return run


def _has_stops(parameters: Overrides) -> bool:
    return any("stops" in path and value for path, value in parameters.items())
