"""Indicator values on each timeframe's own bars, and when they are known."""

from collections.abc import Mapping

import numpy as np

from ktrdr.data import Bars, Timeframe
from ktrdr.errors import DataError
from ktrdr.indicators import compute_indicator, find_indicator
from ktrdr.strategy import FeatureInput, Strategy
from ktrdr.typing import FloatArray, IntArray

SymbolTimeframes = Mapping[Timeframe, Bars]


class IndicatorTable:
    """Indicators of one symbol, each computed once on a timeframe's bars."""

    def __init__(self, strategy: Strategy, bars: SymbolTimeframes) -> None:
        self._strategy = strategy
        self._bars = bars
        self._outputs: dict[tuple[Timeframe, str], dict[str, FloatArray]] = {}

    @property
    def base(self) -> Bars:
        """Bars of the base timeframe."""
        return self.bars(Timeframe(self._strategy.training_data.base_timeframe))

    def bars(self, timeframe: Timeframe) -> Bars:
        """Return the bars of ``timeframe``, or raise DataError if there are none."""
        try:
            return self._bars[timeframe]
        except KeyError:
            given = ", ".join(self._bars) or "none"
            raise DataError(
                f"strategy {self._strategy.name} needs {timeframe} bars; given: {given}"
            ) from None

    def values(self, entry: FeatureInput) -> FloatArray:
        """Return the indicator output that ``entry`` names, on its own timeframe.

        Raises
        ------
        DataError
            If a value is infinite.
        """
        key = entry.timeframe, entry.indicator
        bars = self.bars(entry.timeframe)
        if key not in self._outputs:
            use = self._strategy.indicators[entry.indicator]
            self._outputs[key] = compute_indicator(use, bars)
        values = self._outputs[key][output_of(self._strategy, entry)]
        infinite = np.flatnonzero(np.isinf(values))
        if infinite.size:
            raise DataError(
                f"{bars.symbol} {entry.timeframe}: indicator {entry.indicator} is "
                f"infinite in {infinite.size} bars, the first at "
                f"{bars.time[infinite[0]]}; check the data or choose another indicator"
            )
        return values

    def newest_known(self, timeframe: Timeframe) -> IntArray:
        """Return for each base bar the newest bar of ``timeframe`` known at its close.

        Returns
        -------
        ndarray of int64, shape (n_base_bars,)
            Row of that bar; -1 before there is one.

        Notes
        -----
        Known is a bar that has closed. When the longer bars have a gap, the last
        one before it stays the newest known: nothing newer is known then.
        """
        closes = self.bars(timeframe).close_time
        known = np.searchsorted(closes, self.base.close_time, side="right")
        return known.astype(np.int64) - 1


def output_of(strategy: Strategy, entry: FeatureInput) -> str:
    """Return the name of the indicator output that ``entry`` means."""
    if entry.output is not None:
        return entry.output
    return find_indicator(strategy.indicators[entry.indicator].type).primary


def input_key(entry: FeatureInput) -> str:
    """Return ``{timeframe}_{fuzzy_set}``, or the feature id of a raw input."""
    if entry.fuzzy_set is None:
        return entry.feature_ids[0]
    return f"{entry.timeframe}_{entry.fuzzy_set}"


def join(values: FloatArray, newest: IntArray) -> FloatArray:
    """Return ``values`` of longer bars at the base bars; NaN before there is one."""
    if not len(values):
        return np.full(len(newest), np.nan)
    return np.where(newest >= 0, values[newest], np.nan)
