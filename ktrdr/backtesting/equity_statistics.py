"""Sharpe ratio and deepest drawdown of one equity curve, fast.

The formulas are those of ``return_measures``. There each is a few passes over whole
columns; here the curve is walked once, in blocks that stay in the processor's
cache, and a drawdown is worked out only in blocks that can hold the deepest.
"""

import math
from dataclasses import dataclass

import numpy as np

from ktrdr.backtesting.return_measures import (
    max_drawdown,
    returns_of,
    sharpe,
    wealth_of,
)
from ktrdr.typing import FloatArray

_BLOCK = 32_768
_DRAWDOWN_BLOCK = 512
# A difference of sums below this share of them has lost four digits or more.
_CANCELLED = 1e-4


@dataclass(frozen=True, kw_only=True)
class EquityStatistics:
    """What is known of an equity curve at a glance.

    Attributes
    ----------
    total_return : float
        ``equity[-1] / initial_cash - 1``.
    sharpe : float
        ``mean(returns) / std(returns, ddof=1) * sqrt(n_bars / years)``; NaN where
        the returns do not vary.
    max_drawdown : float
        Least ``equity[i] / max(initial_cash, equity[:i + 1]) - 1``, at most 0.
    """

    total_return: float
    sharpe: float
    max_drawdown: float


def equity_statistics(
    equity: FloatArray, *, initial_cash: float, years: float
) -> EquityStatistics:
    """Return the statistics of an equity curve.

    Parameters
    ----------
    equity : ndarray of shape (n_bars,)
        Money at each bar's close; at least one bar, no NaN.
    initial_cash : float
        Money before the first bar, above 0.
    years : float
        Calendar time of the curve.

    Notes
    -----
    Returns are simple, the first from ``initial_cash``. A curve that reaches 0, and
    one whose returns hardly vary, is measured by ``return_measures`` itself.
    """
    walk = _walk(equity, initial_cash)
    if walk.lows.min() <= 0:
        return _statistics_of_ruin(equity, initial_cash)
    return EquityStatistics(
        total_return=float(equity[-1]) / initial_cash - 1,
        sharpe=_sharpe(walk, equity, initial_cash, years),
        max_drawdown=_max_drawdown(walk, equity, initial_cash),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Walk:
    """Sums of the returns and of their squares, and extremes of small blocks.

    Returns mean nothing if a low is 0 or less.
    """

    total: float
    squares: float
    highs: FloatArray
    lows: FloatArray


# Curves that reach 0 are recognized afterwards, by their lows.
@np.errstate(divide="ignore", invalid="ignore", over="ignore")
def _walk(equity: FloatArray, initial_cash: float) -> _Walk:
    total, squares, before = 0.0, 0.0, initial_cash
    highs, lows = [], []
    starts = np.arange(0, min(_BLOCK, len(equity)), _DRAWDOWN_BLOCK)
    buffer = np.empty(min(_BLOCK, len(equity)))
    for first in range(0, len(equity), _BLOCK):
        values = equity[first : first + _BLOCK]
        inside = starts[: -(-len(values) // _DRAWDOWN_BLOCK)]
        highs.append(np.maximum.reduceat(values, inside))
        lows.append(np.minimum.reduceat(values, inside))
        returns = buffer[: len(values)]
        returns[0] = values[0] / before
        np.divide(values[1:], values[:-1], out=returns[1:])
        returns -= 1.0
        total += float(returns.sum())
        # Not np.dot, for which OpenBLAS starts threads that only wait.
        squares += float(np.einsum("i,i->", returns, returns))
        before = values[-1]
    return _Walk(
        total=total,
        squares=squares,
        highs=np.concatenate(highs),
        lows=np.concatenate(lows),
    )


def _statistics_of_ruin(equity: FloatArray, initial_cash: float) -> EquityStatistics:
    wealth = wealth_of(returns_of(equity, initial_cash))
    return EquityStatistics(
        total_return=float(equity[-1]) / initial_cash - 1,
        sharpe=math.nan,
        max_drawdown=float(max_drawdown(wealth)),
    )


def _sharpe(
    walk: _Walk, equity: FloatArray, initial_cash: float, years: float
) -> float:
    n_bars = len(equity)
    mean = walk.total / n_bars
    spread = walk.squares - n_bars * mean**2
    # Where the mean nearly fills the squares, the difference is mostly rounding.
    if n_bars < 2 or spread <= _CANCELLED * walk.squares:
        return float(sharpe(returns_of(equity, initial_cash), years))
    return mean / math.sqrt(spread / (n_bars - 1)) * math.sqrt(n_bars / years)


def _max_drawdown(walk: _Walk, equity: FloatArray, initial_cash: float) -> float:
    peaks = np.maximum.accumulate(np.maximum(walk.highs, initial_cash))
    # In its own block a peak may come after the low: a bound, not yet a drawdown.
    bounds = walk.lows / peaks - 1
    peaks_before = np.append(initial_cash, peaks[:-1])
    deepest = 0.0
    for block in np.argsort(bounds, kind="stable").tolist():
        if bounds[block] >= deepest:
            break
        start = block * _DRAWDOWN_BLOCK
        values = equity[start : start + _DRAWDOWN_BLOCK]
        peak = np.maximum(np.maximum.accumulate(values), peaks_before[block])
        deepest = min(deepest, float((values / peak).min()) - 1)
    return deepest
