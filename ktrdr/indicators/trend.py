"""Trend indicators that TA-Lib lacks."""

import numpy as np
import talib

from ktrdr.data import Bars
from ktrdr.indicators.indicator import Arguments, Indicator
from ktrdr.indicators.parameters import (
    as_int,
    average_kind,
    period,
    source,
    source_values,
)
from ktrdr.indicators.results import delayed, ratio, unknown_before
from ktrdr.indicators.talib_border import moving_average, moving_average_warm_up
from ktrdr.typing import FloatArray


def ichimoku(
    bars: Bars, *, conversion: int, base: int, span: int, displacement: int
) -> tuple[FloatArray, ...]:
    """Return Ichimoku lines as they are known at each bar.

    Parameters
    ----------
    bars : Bars
    conversion, base, span : int
        Bars of the three middles of highest high and lowest low.
    displacement : int
        Bars by which the cloud is drawn ahead and the lagging span behind.

    Returns
    -------
    tenkan, kijun : ndarray of shape (n_bars,)
        Conversion and base line, in price units.
    senkou_a, senkou_b : ndarray of shape (n_bars,)
        Edges of the cloud drawn at the bar, computed ``displacement`` bars before.
    cloud_distance : ndarray of shape (n_bars,)
        Distance of the close from the nearer edge as a fraction of the close:
        above 0 over the cloud, below 0 under it, 0 inside.
    chikou : ndarray of shape (n_bars,)
        Close less the close ``displacement`` bars before, in price units: what the
        lagging span shows, without looking ahead.

    References
    ----------
    Hosoda (1969); periods 9, 26, 52 and displacement 26.
    """
    tenkan, kijun, slow = (
        (talib.MAX(bars.high, length) + talib.MIN(bars.low, length)) / 2
        for length in (conversion, base, span)
    )
    senkou_a = delayed((tenkan + kijun) / 2, displacement)
    senkou_b = delayed(slow, displacement)
    close = bars.close
    over = close - np.maximum(senkou_a, senkou_b)
    under = close - np.minimum(senkou_a, senkou_b)
    distance = (np.maximum(over, 0) + np.minimum(under, 0)) / close
    chikou = close - delayed(close, displacement)
    return tenkan, kijun, senkou_a, senkou_b, distance, chikou


def _ichimoku(bars: Bars, arguments: Arguments) -> tuple[FloatArray, ...]:
    tenkan, kijun, senkou_a, senkou_b, distance, chikou = ichimoku(
        bars,
        conversion=as_int(arguments, "conversionperiod"),
        base=as_int(arguments, "baseperiod"),
        span=as_int(arguments, "spanperiod"),
        displacement=as_int(arguments, "displacement"),
    )
    outputs = (distance, tenkan, kijun, senkou_a, senkou_b, chikou)
    return unknown_before(_ichimoku_warm_up(arguments), *outputs)


def _ichimoku_warm_up(arguments: Arguments) -> int:
    keys = ("conversionperiod", "baseperiod", "spanperiod")
    longest = max(as_int(arguments, key) for key in keys)
    return longest - 1 + as_int(arguments, "displacement")


def _distance(bars: Bars, arguments: Arguments) -> tuple[FloatArray, ...]:
    values = source_values(bars, arguments)
    average = moving_average(values, as_int(arguments), str(arguments["matype"]))
    return (ratio(values, average) - 1,)


INDICATORS = (
    Indicator(
        name="ichimoku",
        title="Ichimoku cloud, as known at each bar",
        group="overlap",
        inputs=("high", "low", "close"),
        parameters=(
            period(9, "conversionperiod"),
            period(26, "baseperiod"),
            period(52, "spanperiod"),
            period(26, "displacement", 1),
        ),
        outputs=(
            *("cloud_distance", "tenkan", "kijun"),
            *("senkou_a", "senkou_b", "chikou"),
        ),
        compute=_ichimoku,
        warm_up=_ichimoku_warm_up,
        note="the cloud is the one drawn at the bar; cloud_distance is the close's "
        "distance from it as a fraction of the close, 0 inside",
    ),
    Indicator(
        name="ma_distance",
        title="Distance from a moving average as a fraction of it",
        group="overlap",
        parameters=(period(20), average_kind(), source()),
        compute=_distance,
        warm_up=lambda arguments: moving_average_warm_up(
            as_int(arguments), str(arguments["matype"])
        ),
        may_be_undefined=True,
        note="not known where the average is 0, as an average of volume can be",
    ),
)
