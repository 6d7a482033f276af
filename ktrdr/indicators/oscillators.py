"""Oscillators that TA-Lib lacks."""

from math import log

import numpy as np
import talib

from ktrdr.data import Bars
from ktrdr.indicators.indicator import Arguments, Indicator
from ktrdr.indicators.parameters import as_int, period, price_source, source_values
from ktrdr.indicators.results import delayed, mean_amount, ratio, unknown_before
from ktrdr.typing import FloatArray


def fisher_transform(values: FloatArray, timeperiod: int) -> FloatArray:
    """Return Ehlers' Fisher transform of the place in the recent range.

    Parameters
    ----------
    values : ndarray of shape (n_bars,)
        Usually the middle of high and low.
    timeperiod : int
        Bars of the range.

    Returns
    -------
    ndarray of shape (n_bars,)
        Without unit, about normally distributed, seldom beyond 3. NaN in the
        first ``timeperiod - 1`` bars.

    Notes
    -----
    Recursive: both smoothings start from 0 at the first known bar. Where all
    values of the window are equal the place is taken as the middle.

    References
    ----------
    Ehlers (2002), Using the Fisher Transform, Stocks & Commodities 20(11), with
    its constants.
    """
    highest, lowest = talib.MAX(values, timeperiod), talib.MIN(values, timeperiod)
    place = ratio(values - lowest, highest - lowest)[timeperiod - 1 :] - 0.5
    result = np.full(len(values), np.nan)
    result[timeperiod - 1 :] = _smoothed_fisher(np.nan_to_num(place).tolist())
    return result


def _smoothed_fisher(places: list[float]) -> list[float]:
    smooth = fisher = 0.0
    results = []
    for place in places:
        smooth = 0.33 * 2 * place + 0.67 * smooth
        # The transform of 1 is infinite.
        if smooth > 0.99:
            smooth = 0.999
        elif smooth < -0.99:
            smooth = -0.999
        fisher = 0.5 * log((1 + smooth) / (1 - smooth)) + 0.5 * fisher
        results.append(fisher)
    return results


def relative_vigor_index(bars: Bars, timeperiod: int) -> tuple[FloatArray, FloatArray]:
    """Return the relative vigor index and its signal line.

    Parameters
    ----------
    bars : Bars
    timeperiod : int
        Bars of the averages.

    Returns
    -------
    vigor : ndarray of shape (n_bars,)
        From -1 to 1: average of close - open over average of high - low, each
        first smoothed over four bars with weights 1, 2, 2, 1. NaN in the first
        ``timeperiod + 2`` bars and where no bar had a range.
    signal : ndarray of shape (n_bars,)
        The same smoothing of the index; three bars later.

    References
    ----------
    Ehlers (2002), Relative Vigor Index, Stocks & Commodities 20(1).
    """
    body = talib.SMA(_weighted(bars.close - bars.open), timeperiod)
    span = mean_amount(_weighted(bars.high - bars.low), timeperiod)
    vigor = ratio(body, span)
    return vigor, _weighted(vigor)


def _weighted(values: FloatArray) -> FloatArray:
    """Return the average of four bars with weights 1, 2, 2, 1."""
    earlier = [delayed(values, n_bars) for n_bars in (1, 2, 3)]
    return (values + 2 * earlier[0] + 2 * earlier[1] + earlier[2]) / 6


def _fisher(bars: Bars, arguments: Arguments) -> tuple[FloatArray, ...]:
    fisher = fisher_transform(source_values(bars, arguments), as_int(arguments))
    return unknown_before(as_int(arguments), fisher, delayed(fisher, 1))


def _vigor(bars: Bars, arguments: Arguments) -> tuple[FloatArray, ...]:
    outputs = relative_vigor_index(bars, as_int(arguments))
    return unknown_before(as_int(arguments) + 5, *outputs)


INDICATORS = (
    Indicator(
        name="fisher_transform",
        title="Ehlers' Fisher transform, and its value of the bar before as trigger",
        group="momentum",
        parameters=(period(10), price_source("hl2")),
        outputs=("fisher", "trigger"),
        compute=_fisher,
        warm_up=as_int,
    ),
    Indicator(
        name="relative_vigor_index",
        title="Relative vigor index (RVI): how near to the high a bar closes",
        group="momentum",
        inputs=("open", "high", "low", "close"),
        parameters=(period(10),),
        outputs=("vigor", "signal"),
        compute=_vigor,
        warm_up=lambda arguments: as_int(arguments) + 5,
        may_be_undefined=True,
        note="TA-Lib's `rvi` is another one, the relative volatility index",
    ),
)
