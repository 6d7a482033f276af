"""What came out of a walk-forward study: windows, and their tests as one curve."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ktrdr.backtesting import (
    Market,
    block_length_of,
    buy_and_hold,
    return_intervals,
    return_measures,
    returns_of,
    wealth_of,
)
from ktrdr.data import BarStore, to_iso
from ktrdr.errors import BacktestError
from ktrdr.features import load_symbol_bars
from ktrdr.progress import Progress
from ktrdr.schemas import (
    ChildOutcome,
    Interval,
    Period,
    WalkForwardRequest,
    WalkForwardSummary,
    WindowSummary,
)
from ktrdr.storage import ArtifactStore, parse_digest
from ktrdr.strategy import parse_strategy
from ktrdr.studies.curve_table import curve_of_table, curve_table
from ktrdr.studies.outcome import TrialsOutcome
from ktrdr.studies.trial_table import rows_of_table
from ktrdr.typing import FloatArray, TimeArray

_N_RESAMPLES = 1_000
_SEED = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class _Stitched:
    """The tests of all windows, one after the other; arrays of shape (n_bars,)."""

    time: TimeArray
    returns: FloatArray
    years: float


def summarize_walk_forward(
    store: ArtifactStore,
    request: WalkForwardRequest,
    children: Sequence[ChildOutcome],
    progress: Progress,
) -> WalkForwardSummary:
    """Return what is to be known about a walk-forward study.

    Each window's test begins flat, with the strategy's initial cash; the windows'
    returns, bar by bar, follow each other and compound. A window that failed is left
    out: no time passes in it.

    Raises
    ------
    BacktestError
        If no window was completed.
    """
    progress.phase("put windows together")
    outcomes = [
        None if one.result is None else TrialsOutcome.of_result(one.result)
        for one in children
    ]
    done = [one for one in outcomes if one is not None and one.equity is not None]
    if not done:
        errors = dict.fromkeys(one.error or one.state for one in children)
        raise BacktestError(f"no window was tested: {'; '.join(errors)}")
    windows = tuple(
        _window(store, number, child, outcome)
        for number, (child, outcome) in enumerate(
            zip(children, outcomes, strict=True), start=1
        )
    )
    stitched = _stitched(store, done)
    hold = _hold(store, request, stitched, done[0])
    tested = [one for one in windows if one.measures]
    gains = {one.number: one.measures["total_return"] or 0.0 for one in tested}
    curve = {"equity": wealth_of(stitched.returns), "hold": wealth_of(hold)}
    return WalkForwardSummary(
        symbol=done[0].symbol,
        timeframe=done[0].timeframe,
        period=Period(
            start=to_iso(stitched.time[0]),
            end=to_iso(stitched.time[-1]),
            n_bars=len(stitched.time),
        ),
        windows=windows,
        n_failed=len(windows) - len(tested),
        n_trades=int(sum(one.measures["n_trades"] or 0 for one in tested)),
        measures=_measures(stitched, progress),
        buy_and_hold=_values(hold, stitched.years),
        efficiency=efficiency(tested),
        n_profitable=sum(gain > 0 for gain in gains.values()),
        worst=min(gains, key=lambda number: gains[number]),
        equity=store.put(curve_table(stitched.time, curve)),
    )


def efficiency(windows: Sequence[WindowSummary]) -> float | None:
    """Return the mean annual return out of sample over that in sample.

    Near 1, what the models learned holds afterwards; near 0 it does not. None where
    the models did not even gain on the bars that they learned from.

    References
    ----------
    Pardo (2008), The Evaluation and Optimization of Trading Strategies, chapter 11.
    """
    pairs = [
        (outside, inside)
        for one in windows
        if (outside := one.measures.get("annual_return")) is not None
        and (inside := one.in_sample.get("annual_return")) is not None
    ]
    if not pairs:
        return None
    outside, inside = np.mean(pairs, axis=0)
    return float(outside / inside) if inside > 0 else None


def _window(
    store: ArtifactStore,
    number: int,
    child: ChildOutcome,
    outcome: TrialsOutcome | None,
) -> WindowSummary:
    if outcome is None:
        error = child.error or f"{child.title}: {child.state}"
        return WindowSummary(number=number, error=error)
    row = rows_of_table(store.get(parse_digest(outcome.table)))[0]
    return WindowSummary(
        number=number,
        train_start=outcome.train_start,
        train_end=outcome.train_end,
        test_start=outcome.period.start,
        test_end=outcome.period.end,
        measures=row.measures,
        in_sample=outcome.in_sample,
        model=outcome.model,
        error=row.error,
    )


def _stitched(store: ArtifactStore, done: Sequence[TrialsOutcome]) -> _Stitched:
    times, returns = [], []
    for one in done:
        time, columns = curve_of_table(store.get(parse_digest(one.equity or "")))
        times.append(time)
        returns.append(returns_of(columns["equity"], 1.0))
    return _Stitched(
        time=np.concatenate(times),
        returns=np.concatenate(returns),
        years=sum(one.years for one in done),
    )


def _hold(
    store: ArtifactStore,
    request: WalkForwardRequest,
    stitched: _Stitched,
    outcome: TrialsOutcome,
) -> FloatArray:
    """Return the returns of holding from the first test to the last, at its bars.

    What holding gained in a window that failed is left out, as its time is.
    """
    strategy = parse_strategy(request.strategy, request.source)
    pins = outcome.snapshots[outcome.symbol]
    base = load_symbol_bars(BarStore(store), strategy, outcome.symbol, pins).base
    first, last = np.searchsorted(base.time, stitched.time[[0, -1]]).tolist()
    spec = strategy.backtest
    market = Market.of(base, slice(first, last + 1), spec)
    equity = buy_and_hold(market, spec).equity
    rows = np.searchsorted(market.bars.time, stitched.time)
    return returns_of(equity, spec.initial_cash)[rows]


def _values(returns: FloatArray, years: float) -> dict[str, float | None]:
    found = return_measures(returns, wealth_of(returns), years)
    return {
        name: float(value) if np.isfinite(value) else None
        for name, value in found.items()
    }


def _measures(stitched: _Stitched, progress: Progress) -> dict[str, Interval]:
    returns = stitched.returns
    limits = return_intervals(
        returns,
        stitched.years,
        mean_length=block_length_of(returns),
        n_resamples=_N_RESAMPLES,
        rng=np.random.default_rng(_SEED),
        progress=progress,
    )
    found = {}
    for name, value in _values(returns, stitched.years).items():
        limit = limits.get(name) if value is not None else None
        low, high = limit or (None, None)
        found[name] = Interval(value=value, low=low, high=high)
    return found
