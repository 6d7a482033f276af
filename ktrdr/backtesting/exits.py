"""Where each run's position ends: by signal, stop, target or the end of the data.

A trade's exit follows from its entry price and the bars alone, never from equity.
So the exits of all runs are found at once, before any money is counted.
"""

from dataclasses import dataclass

import numpy as np

from ktrdr.backtesting.costs import fill_price, limit_rate, market_rate
from ktrdr.backtesting.orders import Runs
from ktrdr.backtesting.simulation import ExitReason
from ktrdr.backtesting.stretches import Stretches
from ktrdr.backtesting.touches import FirstTouches
from ktrdr.data import Bars
from ktrdr.strategy import BacktestSpec, StopsSpec
from ktrdr.typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Exits:
    """Ends of the runs' positions; arrays of shape (n_runs,).

    Attributes
    ----------
    bar : ndarray of int64
        Bar in which the exit fills.
    price : ndarray of float64
        Fill price, spread and slippage included.
    reason : ndarray of int64
        Values of ExitReason.
    is_ambiguous : ndarray of bool
        The bar touched both stop and target.
    """

    bar: IntArray
    price: FloatArray
    reason: IntArray
    is_ambiguous: BoolArray


def find_exits(
    bars: Bars,
    runs: Runs,
    entry_price: FloatArray,
    spec: BacktestSpec,
    *,
    optimistic: bool,
    touches: FirstTouches | None = None,
) -> Exits:
    """Return where and how the position of each run ends.

    Parameters
    ----------
    bars : Bars
    runs : Runs
    entry_price : ndarray of shape (n_runs,)
        Fill prices of the entries, from which stops are measured.
    spec : BacktestSpec
    optimistic : bool
        In a bar that touches both stop and target, fill the target.
    touches : FirstTouches or None
        Of these runs, where they are searched several times; a trailing stop,
        whose level moves, is searched bar by bar all the same.
    """
    exits = _due_exits(bars, runs, spec)
    if spec.stops == StopsSpec():
        return exits
    lower, upper = _fixed_levels(runs, entry_price, spec.stops)
    if touches is not None and spec.stops.trailing_stop is None:
        levels = _Levels(lower=lower, upper=upper)
        first = touches.find(entry_price, market_rate(spec.costs), spec.stops)
    else:
        by_bar = _levels_by_bar(bars, runs, entry_price, lower, upper, spec.stops)
        levels = _Levels(lower=lower, upper=upper, by_bar=by_bar)
        first = _first_touched(bars, runs, *by_bar)
    return _with_stops(exits, first, bars, runs, levels, spec, optimistic=optimistic)


def _due_exits(bars: Bars, runs: Runs, spec: BacktestSpec) -> Exits:
    """Return the exits that follow if no stop or target is ever touched."""
    is_open_ended = runs.due_bar == len(bars)
    bar = np.minimum(runs.due_bar, len(bars) - 1)
    quoted = bars.open[bar]
    quoted[is_open_ended] = bars.close[-1:]
    return Exits(
        bar=bar,
        price=fill_price(quoted, -runs.direction, market_rate(spec.costs)),
        reason=np.where(is_open_ended, ExitReason.END_OF_DATA, ExitReason.SIGNAL),
        is_ambiguous=np.zeros(len(bar), np.bool_),
    )


def _fixed_levels(
    runs: Runs, entry_price: FloatArray, stops: StopsSpec
) -> tuple[FloatArray, FloatArray]:
    """Return each run's lower and upper level, without the trailing stop.

    A long position has its stop below and its target above, a short one the other
    way round; what is not there is 0 below and infinite above.
    """
    is_long = runs.direction > 0
    below = stops.stop_loss, stops.take_profit
    above = stops.take_profit, stops.stop_loss
    lower, upper = np.zeros(len(is_long)), np.full(len(is_long), np.inf)
    for is_side, down, up in zip((is_long, ~is_long), below, above, strict=True):
        if down is not None:
            lower[is_side] = entry_price[is_side] * (1 - down)
        if up is not None:
            upper[is_side] = entry_price[is_side] * (1 + up)
    return lower, upper


@dataclass(frozen=True, kw_only=True, eq=False)
class _Levels:
    """Prices that end a position: at or below ``lower``, at or above ``upper``.

    Attributes
    ----------
    lower, upper : ndarray of shape (n_runs,)
        Stop loss and target.
    by_bar : two ndarrays of shape (n_bars,), or None
        The same in each bar, tightened by the trailing stop; None where no stop
        trails and they are not needed.
    """

    lower: FloatArray
    upper: FloatArray
    by_bar: tuple[FloatArray, FloatArray] | None = None

    def at(self, rows: IntArray, bar: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the levels of runs ``rows``, each in its ``bar``."""
        if self.by_bar is None:
            return self.lower[rows], self.upper[rows]
        lower, upper = self.by_bar
        return lower[bar], upper[bar]


def _levels_by_bar(
    bars: Bars,
    runs: Runs,
    entry_price: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    stops: StopsSpec,
) -> tuple[FloatArray, FloatArray]:
    stretches = Stretches.of(runs.entry_bar, runs.due_bar, len(bars))
    lower_by_bar = stretches.column(lower)
    upper_by_bar = stretches.column(upper, np.inf)
    if stops.trailing_stop is not None:
        best = _best_price_before(bars, runs, entry_price)
        _tighten(lower_by_bar, upper_by_bar, best, stops.trailing_stop)
    return lower_by_bar, upper_by_bar


def _best_price_before(bars: Bars, runs: Runs, entry_price: FloatArray) -> FloatArray:
    """Best price from the entry to the bar before, in each bar; negative if short.

    It starts with the entry price, so a bar's own high or low never counts; 0 in
    bars outside of the runs.
    """
    n_bars, n_runs = len(bars), len(runs.entry_bar)
    stretches = Stretches.of(runs.entry_bar, runs.due_bar, n_bars)
    direction = stretches.column(runs.direction)
    # Complex numbers are ordered by real part, then imaginary part: with the run's
    # number as real part, one running maximum starts anew in every run.
    keyed = np.empty(n_bars, np.complex128)
    keyed.real = stretches.column(np.arange(1.0, n_runs + 1), np.arange(n_runs + 1.0))
    keyed.imag[:1] = 0
    keyed.imag[1:] = np.where(direction[1:] > 0, bars.high[:-1], -bars.low[:-1])
    keyed.imag[runs.entry_bar] = runs.direction * entry_price
    best = np.maximum.accumulate(keyed).imag
    best[direction == 0] = 0
    return best


def _tighten(
    lower: FloatArray, upper: FloatArray, best: FloatArray, distance: float
) -> None:
    """Raise long stops and lower short ones to trail the best price, in place."""
    is_long, is_short = best > 0, best < 0
    np.maximum(lower, best * (1 - distance), out=lower, where=is_long)
    np.minimum(upper, -best * (1 + distance), out=upper, where=is_short)


def _first_touched(
    bars: Bars, runs: Runs, lower_by_bar: FloatArray, upper_by_bar: FloatArray
) -> IntArray:
    """Return the first bar from each entry on that touches a level of any run."""
    is_touched = bars.low <= lower_by_bar
    is_touched |= bars.high >= upper_by_bar
    touched = np.append(np.flatnonzero(is_touched), len(bars))
    return touched[np.searchsorted(touched, runs.entry_bar)]


def _with_stops(
    due: Exits,
    first: IntArray,
    bars: Bars,
    runs: Runs,
    levels: _Levels,
    spec: BacktestSpec,
    *,
    optimistic: bool,
) -> Exits:
    """Replace the exits of runs that touch a stop or target before they are due."""
    stopped = np.flatnonzero(first < runs.due_bar)
    found = _resolve(
        bars, first[stopped], stopped, runs, levels, spec, optimistic=optimistic
    )
    for column, values in (
        (due.bar, found.bar),
        (due.price, found.price),
        (due.reason, found.reason),
        (due.is_ambiguous, found.is_ambiguous),
    ):
        column[stopped] = values
    return due


def _resolve(
    bars: Bars,
    bar: IntArray,
    rows: IntArray,
    runs: Runs,
    levels: _Levels,
    spec: BacktestSpec,
    *,
    optimistic: bool,
) -> Exits:
    """Tell which of stop and target fills, and at what price, in touched bars.

    Prices are compared as ``direction * price``, so that a stop always lies below.
    """
    direction = runs.direction[rows]
    is_long = direction > 0
    lower, upper = levels.at(rows, bar)
    stop = np.where(is_long, lower, -upper)
    target = np.where(is_long, upper, -lower)
    fixed_stop = np.where(is_long, levels.lower[rows], -levels.upper[rows])
    opening = direction * bars.open[bar]
    worst = np.where(is_long, bars.low[bar], -bars.high[bar])
    best = np.where(is_long, bars.high[bar], -bars.low[bar])
    # An opening price beyond a level settles which came first.
    is_both = (worst <= stop) & (best >= target)
    is_ambiguous = is_both & (opening > stop) & (opening < target)
    is_target = (opening >= target) | ((best >= target) & (worst > stop))
    if optimistic:
        is_target |= is_ambiguous
    quoted = np.abs(
        np.where(is_target, np.maximum(opening, target), np.minimum(opening, stop))
    )
    costs = spec.costs
    market = fill_price(quoted, -direction, market_rate(costs))
    limit = fill_price(quoted, -direction, limit_rate(costs))
    is_trailing = stop > fixed_stop
    stop_reason = np.where(is_trailing, ExitReason.TRAILING_STOP, ExitReason.STOP_LOSS)
    return Exits(
        bar=bar,
        price=np.where(is_target, limit, market),
        reason=np.where(is_target, ExitReason.TAKE_PROFIT, stop_reason),
        is_ambiguous=is_ambiguous,
    )
