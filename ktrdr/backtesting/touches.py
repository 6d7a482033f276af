"""Where each run's position first touches a level, for many levels of the same runs.

Worth its making for three simulations or more: then a search takes a fraction of
the time that looking at every bar does.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ktrdr.backtesting.orders import Runs
from ktrdr.backtesting.stretches import Stretches
from ktrdr.data import Bars
from ktrdr.strategy import StopsSpec
from ktrdr.typing import FloatArray, IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class _Records:
    """Bars in which a run's price is the highest since its entry.

    Attributes
    ----------
    keys : ndarray of complex128, shape (n_records,)
        Number of the run, counted from 0, as real part, that price as imaginary
        part: in the order that complex numbers have, by real part first.
    bar, run : ndarray of shape (n_records + 1,)
        Their bars and runs; at last the number of bars, of no run.
    """

    keys: NDArray[np.complex128]
    bar: IntArray
    run: FloatArray

    @classmethod
    def of(cls, prices: FloatArray, runs: Runs) -> "_Records":
        n_bars, n_runs = len(prices), len(runs.entry_bar)
        stretches = Stretches.of(runs.entry_bar, runs.due_bar, n_bars)
        keyed = np.empty(n_bars, np.complex128)
        # Gaps come halfway before the run that follows, and hold no record.
        keyed.real = stretches.column(
            np.arange(float(n_runs)), np.arange(n_runs + 1.0) - 0.5
        )
        keyed.imag = prices
        highest = np.maximum.accumulate(keyed)
        is_record = np.empty(n_bars, np.bool_)
        is_record[:1] = True
        is_record[1:] = highest[1:] != highest[:-1]
        bar = np.flatnonzero(is_record)
        keys = highest[bar]
        return cls(
            keys=keys, bar=np.append(bar, n_bars), run=np.append(keys.real, np.inf)
        )

    def first_at_or_above(self, levels: FloatArray) -> IntArray:
        """Return the first bar of each run that reaches its level, else n_bars."""
        wanted = np.empty(len(levels), np.complex128)
        wanted.real = np.arange(len(levels))
        wanted.imag = levels
        row = np.searchsorted(self.keys, wanted)
        bar = self.bar[row]
        bar[self.run[row] != wanted.real] = self.bar[-1]
        return bar


class FirstTouches:
    """Finds where positions first touch their stop or target.

    Parameters
    ----------
    bars : Bars
    runs : Runs
        Whose entries and due bars bound the search.

    Notes
    -----
    A level follows from the entry price and one distance, so that each distance is
    searched once, with whatever others it is combined.
    """

    def __init__(self, bars: Bars, runs: Runs) -> None:
        self._highs = _Records.of(bars.high, runs)
        self._lows = _Records.of(-bars.low, runs)
        self._is_long = runs.direction > 0
        self._n_bars = len(bars)
        self._known: dict[tuple[float, bool, bool, float], IntArray] = {}

    def find(self, entry_price: FloatArray, rate: float, stops: StopsSpec) -> IntArray:
        """Return the first bar, from the entry to before the due bar, that touches.

        Parameters
        ----------
        entry_price : ndarray of shape (n_runs,)
            From which stop loss and target are measured.
        rate : float
            What market fills lose: entry prices of the same rate are the same.
        stops : StopsSpec
            Without its trailing stop.

        Returns
        -------
        ndarray of int64, shape (n_runs,)
            The number of bars where neither is touched.
        """
        first = np.full(len(entry_price), self._n_bars)
        for distance, is_loss in ((stops.stop_loss, True), (stops.take_profit, False)):
            if distance is None:
                continue
            for is_long in (True, False):
                key = (rate, is_loss, is_long, distance)
                if key not in self._known:
                    self._known[key] = self._search(entry_price, *key[1:])
                np.minimum(first, self._known[key], out=first)
        return first

    def _search(
        self, entry_price: FloatArray, is_loss: bool, is_long: bool, distance: float
    ) -> IntArray:
        # A long position loses below, a short one above.
        is_below = is_loss == is_long
        levels = entry_price * (1 - distance if is_below else 1 + distance)
        found = (
            self._lows.first_at_or_above(-levels)
            if is_below
            else self._highs.first_at_or_above(levels)
        )
        found[self._is_long != is_long] = self._n_bars
        return found
