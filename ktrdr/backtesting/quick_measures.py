"""All measures of a backtest in a fraction of the time, for thousands of them.

The formulas are those of ``measures``. There each is a few passes over whole columns
and works on many curves at once; here one curve is walked once, and a drawdown is
worked out only where the curve can reach a new peak.
"""

import math

import numpy as np

from ktrdr.backtesting.measures import MEASURES, measure, number_or_none
from ktrdr.backtesting.return_measures import years_of
from ktrdr.backtesting.simulation import ExitReason, Simulation, Trades
from ktrdr.backtesting.trade_measures import (
    largest_loss,
    largest_win,
    trade_measures,
    trade_returns,
)
from ktrdr.data import Bars
from ktrdr.typing import FloatArray, IntArray

# Blocks of returns stay in the processor's cache; of drawdowns most are skipped.
_BLOCK, _DRAWDOWN_BLOCK = 8_192, 256
_MS_PER_HOUR = 3_600_000.0
# Comparing with a plain number is three times as fast as with its name.
_SIGNAL, _RUIN = int(ExitReason.SIGNAL), int(ExitReason.RUIN)
# A difference of sums below this share of them has lost digits.
_CANCELLED = 1e-2


class QuickMeasures:
    """Measures simulations on the same bars.

    Parameters
    ----------
    bars : Bars
        The bars that are traded, at least one.
    """

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._years = years_of(bars)
        self._starts = np.arange(0, len(bars), _DRAWDOWN_BLOCK)
        self._opened_ms = bars.time.astype("datetime64[ms]").astype(np.int64)
        self._bar_ms = bars.timeframe.milliseconds
        self._returns, self._losses = np.empty((2, min(_BLOCK, len(bars))))

    def measure(
        self, simulation: Simulation, initial_cash: float
    ) -> dict[str, float | None]:
        """Return what ``measure`` returns, equal but for rounding of 1e-12."""
        of_curve = self._of_curve(simulation.equity, initial_cash)
        if of_curve is None:
            return measure(simulation, self._bars, initial_cash)
        values = {**of_curve, **self._of_trades(simulation.trades)}
        return {known.name: number_or_none(values[known.name]) for known in MEASURES}

    def _of_curve(
        self, equity: FloatArray, initial_cash: float
    ) -> dict[str, float] | None:
        """Return the measures of the curve; None if it is not an ordinary one.

        Ordinary are curves that stay above 0 and vary: then nothing that the
        measures divide by is 0.
        """
        n_bars = len(equity)
        if n_bars < 2 or equity.min() <= 0:
            return None
        total, squares, loss_squares = self._sums(equity, initial_cash)
        mean = total / n_bars
        spread = squares - n_bars * mean**2
        deepest, longest, hours = self._drawdowns(equity, initial_cash)
        if spread <= _CANCELLED * squares or loss_squares == 0 or deepest == 0:
            return None
        deviation = math.sqrt(spread / (n_bars - 1))
        downside = math.sqrt(loss_squares / n_bars)
        per_year = math.sqrt(n_bars / self._years)
        last = float(equity[-1]) / initial_cash
        annual = _power(last, 1.0 / self._years) - 1.0
        return {
            "total_return": last - 1.0,
            "annual_return": annual,
            "volatility": deviation * per_year,
            "sharpe": mean / deviation * per_year,
            "sortino": mean / downside * per_year,
            "calmar": annual / -deepest,
            "max_drawdown": deepest,
            "max_drawdown_bars": float(longest),
            "max_drawdown_hours": hours,
        }

    def _sums(
        self, equity: FloatArray, initial_cash: float
    ) -> tuple[float, float, float]:
        """Return the sums of the returns, of their squares and of the losses' ones."""
        total, squares, loss_squares, before = 0.0, 0.0, 0.0, initial_cash
        for first in range(0, len(equity), _BLOCK):
            values = equity[first : first + _BLOCK]
            returns, losses = self._returns[: len(values)], self._losses[: len(values)]
            returns[0] = (values[0] - before) / before
            np.subtract(values[1:], values[:-1], out=returns[1:])
            np.divide(returns[1:], values[:-1], out=returns[1:])
            np.minimum(returns, 0.0, out=losses)
            total += float(returns.sum())
            squares += _sum_of_squares(returns)
            loss_squares += _sum_of_squares(losses)
            before = float(values[-1])
        return total, squares, loss_squares

    def _drawdowns(
        self, equity: FloatArray, initial_cash: float
    ) -> tuple[float, int, float]:
        """Return the deepest drawdown and the longest one, in bars and in hours."""
        # Dividing keeps the order, so that it can wait until extremes are known.
        highs = np.maximum.reduceat(equity, self._starts) / initial_cash
        lows = np.minimum.reduceat(equity, self._starts) / initial_cash
        peaks = np.maximum(np.maximum.accumulate(highs), 1.0)
        before = np.append(1.0, peaks[:-1])
        # Blocks below the peak before them are in a drawdown from end to end.
        is_rising = highs >= before
        deepest = float(np.min(lows / before, where=~is_rising, initial=1.0))
        at_peak = []
        for block in np.flatnonzero(is_rising).tolist():
            first = block * _DRAWDOWN_BLOCK
            values = equity[first : first + _DRAWDOWN_BLOCK] / initial_cash
            peak = np.maximum.accumulate(values)
            np.maximum(peak, before[block], out=peak)
            deepest = min(deepest, float((values / peak).min()))
            at_peak.append(np.flatnonzero(values >= peak) + first)
        longest, hours = self._longest(at_peak)
        return deepest - 1.0, longest, hours

    def _longest(self, at_peak: list[IntArray]) -> tuple[int, float]:
        """Return the longest stretch between bars that are at a peak."""
        edges = np.concatenate([[-1], *at_peak, [len(self._bars)]])
        lengths = np.diff(edges) - 1
        longest = int(np.argmax(lengths))
        n_bars = int(lengths[longest])
        if not n_bars:
            return 0, 0.0
        first, last = int(edges[longest]) + 1, int(edges[longest + 1]) - 1
        opened_ms = self._opened_ms
        peak_ms = opened_ms[first - 1] + self._bar_ms if first else opened_ms[0]
        elapsed_ms = opened_ms[last] + self._bar_ms - peak_ms
        return n_bars, float(elapsed_ms) / _MS_PER_HOUR

    def _of_trades(self, trades: Trades) -> dict[str, float]:
        """Return the measures of the trades, as ``measures_of_trades`` does."""
        ends_inside = (trades.exit_reason != _SIGNAL) & (trades.exit_reason != _RUIN)
        bars_held = trades.exit_bar - trades.entry_bar + ends_inside
        opened_ms = self._opened_ms
        held_ms = opened_ms[trades.exit_bar] - opened_ms[trades.entry_bar]
        held_ms += ends_inside * self._bar_ms
        profit = trades.profit
        found = trade_measures(
            profit,
            trade_returns(trades),
            bars_held.astype(np.float64),
            held_ms / _MS_PER_HOUR,
        )
        commissions = trades.entry_commission + trades.exit_commission
        return {
            **{name: float(value) for name, value in found.items()},
            "largest_win": float(largest_win(profit)),
            "largest_loss": float(largest_loss(profit)),
            "exposure": float(bars_held.sum()) / len(self._bars),
            "n_trades": float(len(trades)),
            "commission_paid": float(commissions.sum()),
        }


def _sum_of_squares(values: FloatArray) -> float:
    # Not np.dot, for which OpenBLAS starts threads that only wait.
    return float(np.einsum("i,i->", values, values))


def _power(base: float, exponent: float) -> float:
    try:
        return float(base**exponent)
    except OverflowError:
        return math.nan
