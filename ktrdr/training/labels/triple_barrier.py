"""Triple barrier: which trade would have reached its profit before its stop."""

import numpy as np

from ktrdr.data import Bars
from ktrdr.indicators import IndicatorUse, compute_indicator
from ktrdr.strategy import TripleBarrierLabels
from ktrdr.training.labels.labels import FLAT, LONG, SHORT, UNKNOWN, Labels, ends
from ktrdr.typing import FloatArray, IntArray


def triple_barrier(bars: Bars, spec: TripleBarrierLabels) -> Labels:
    """Return each bar's class.

    A decision at the close of bar i is filled at the open of bar i + 1. From that
    price, a long trade has its profit barrier above and its stop below, a short
    trade the mirror image; both end with bar i + horizon. The label is the side
    whose trade reaches its profit before its stop, and flat if neither does. If
    both do, which takes a profit nearer than the stop, it is the earlier one, and
    flat if both do in one bar.

    Parameters
    ----------
    bars : Bars
    spec : TripleBarrierLabels
        Distances as fractions of the entry price, or as multiples of the average
        true range (Wilder's, TA-Lib's ATR) of bar i, which is known at its close.

    Returns
    -------
    Labels
        The last ``horizon`` bars have none, nor those in the warm-up of the range.
        ``end`` is bar i + horizon even where a barrier is touched earlier: leaving
        out, near the end of a part, only what is decided late would favour quick
        moves.

    Notes
    -----
    Bar i + 1 counts whole, since its open is the entry. Where profit and stop lie
    within one bar the stop counts: the order of a bar's high and low is not known.

    References
    ----------
    Lopez de Prado (2018), Advances in Financial Machine Learning, chapter 3.
    """
    unit = _unit(bars, spec)
    end = ends(len(bars), spec.horizon)
    end[np.isnan(unit)] = UNKNOWN
    rows = np.flatnonzero(end >= 0)
    entry, distance = bars.open[rows + 1], unit[rows]
    profit, stop = spec.take_profit * distance, spec.stop_loss * distance
    rise = _FirstTouch(bars.high, rows + 1, spec.horizon)
    fall = _FirstTouch(-bars.low, rows + 1, spec.horizon)
    long_profit, short_stop = rise.steps(entry + profit), rise.steps(entry + stop)
    short_profit, long_stop = fall.steps(profit - entry), fall.steps(stop - entry)
    # A step count of the horizon means never touched, so it wins nothing.
    long_wins = long_profit < long_stop
    short_wins = short_profit < short_stop
    values = np.full(len(bars), UNKNOWN, np.int64)
    values[rows] = np.select(
        [
            long_wins & (~short_wins | (long_profit < short_profit)),
            short_wins & (~long_wins | (short_profit < long_profit)),
        ],
        [LONG, SHORT],
        FLAT,
    )
    return Labels(values=values, end=end)


def _unit(bars: Bars, spec: TripleBarrierLabels) -> FloatArray:
    # What a distance of 1 is worth, in price units; NaN where not known.
    if spec.unit == "atr":
        use = IndicatorUse(type="atr", parameters={"timeperiod": spec.atr_period})
        return next(iter(compute_indicator(use, bars).values()))
    return np.append(bars.open[1:], np.nan)[: len(bars)]


class _FirstTouch:
    """Finds, from many starts at once, how soon a level is reached.

    Parameters
    ----------
    values : ndarray of shape (n_bars,)
    starts : ndarray of int64, shape (n_rows,)
        First bar looked at, of each row; ``horizon`` bars from it must exist.
    horizon : int
        Number of bars looked at.

    Notes
    -----
    ``maxima[k][i]`` is the largest of 2**k values from bar i on; skipping blocks of
    halving length takes log2(horizon) steps instead of horizon ones.
    """

    def __init__(self, values: FloatArray, starts: IntArray, horizon: int) -> None:
        self._starts = starts
        self._horizon = horizon
        self._maxima = [values]
        while 2 ** len(self._maxima) <= horizon:
            half, last = 2 ** (len(self._maxima) - 1), self._maxima[-1]
            self._maxima.append(np.maximum(last[:-half], last[half:]))

    def steps(self, levels: FloatArray) -> IntArray:
        """Return the bars before the first at or above its level, else the horizon."""
        skipped = np.zeros(len(self._starts), np.int64)
        for power in reversed(range(len(self._maxima))):
            block = 2**power
            fits = np.flatnonzero(skipped + block <= self._horizon)
            begin = self._starts[fits] + skipped[fits]
            is_below = self._maxima[power][begin] < levels[fits]
            skipped[fits[is_below]] += block
        return skipped
