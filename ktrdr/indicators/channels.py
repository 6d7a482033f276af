"""Bands around the price, and where in them it stands."""

import numpy as np
import talib

from ktrdr.data import Bars
from ktrdr.indicators.indicator import Arguments, Indicator
from ktrdr.indicators.parameters import (
    as_float,
    as_int,
    average_kind,
    number,
    period,
    price_source,
    source,
    source_values,
)
from ktrdr.indicators.results import mean_amount, ratio, unknown_before
from ktrdr.indicators.talib_border import (
    MOVING_AVERAGES,
    bollinger_bands,
    lookback,
    moving_average,
    moving_average_warm_up,
)
from ktrdr.typing import FloatArray


def bollinger_place(
    values: FloatArray, timeperiod: int, nbdev: float, matype: str
) -> tuple[FloatArray, FloatArray]:
    """Return Bollinger's %b and band width, both without unit.

    Parameters
    ----------
    values : ndarray of shape (n_bars,)
    timeperiod : int
        Bars of the average and of the standard deviation.
    nbdev : float
        Half the width of the bands in (population) standard deviations.
    matype : str
        Kind of the average.

    Returns
    -------
    position : ndarray of shape (n_bars,)
        0 at the lower band, 1 at the upper one, beyond them outside.
    width : ndarray of shape (n_bars,)
        Distance of the bands as a fraction of the average.

    Notes
    -----
    NaN during the average's warm-up. Where all values of the window are equal
    the bands coincide: the width is 0, the position undefined, NaN. That is
    decided from the values, since TA-Lib's running sums leave a residue in
    the deviation.

    References
    ----------
    Bollinger (2001), Bollinger on Bollinger Bands.
    """
    upper, middle, lower = bollinger_bands(values, timeperiod, nbdev, matype)
    is_flat = talib.MAX(values, timeperiod) == talib.MIN(values, timeperiod)
    span = np.where(is_flat, 0.0, upper - lower)
    span[np.isnan(middle)] = np.nan
    return ratio(values - lower, span), ratio(span, middle)


def donchian_position(
    high: FloatArray, low: FloatArray, close: FloatArray, timeperiod: int
) -> FloatArray:
    """Return where the close stands between lowest low and highest high.

    Parameters
    ----------
    high, low, close : ndarray of shape (n_bars,)
    timeperiod : int
        Bars of the channel, the bar itself included.

    Returns
    -------
    ndarray of shape (n_bars,)
        0 at the lowest low, 1 at the highest high. NaN in the first
        ``timeperiod - 1`` bars and where both are equal.
    """
    highest, lowest = talib.MAX(high, timeperiod), talib.MIN(low, timeperiod)
    return ratio(close - lowest, highest - lowest)


def keltner(
    bars: Bars,
    values: FloatArray,
    *,
    timeperiod: int,
    atrperiod: int,
    multiplier: float,
    matype: str,
) -> tuple[FloatArray, ...]:
    """Return Keltner channels and the place of ``values`` in them.

    Parameters
    ----------
    bars : Bars
        Give the average true range.
    values : ndarray of shape (n_bars,)
        What is averaged.
    timeperiod, atrperiod : int
        Bars of the average, and of Wilder's average true range.
    multiplier : float
        Distance of the bands from the middle in average true ranges.
    matype : str
        Kind of the average.

    Returns
    -------
    middle, upper, lower : ndarray of shape (n_bars,)
        In price units.
    position : ndarray of shape (n_bars,)
        0 at the lower band, 1 at the upper one; NaN where they coincide.
    width : ndarray of shape (n_bars,)
        Distance of the bands as a fraction of the middle.

    Notes
    -----
    NaN until both the average and the average true range are known.

    References
    ----------
    Raschke's form of Keltner (1960), How to Make Money in Commodities.
    """
    middle = moving_average(values, timeperiod, matype)
    reach = multiplier * talib.ATR(bars.high, bars.low, bars.close, atrperiod)
    upper, lower = middle + reach, middle - reach
    place = ratio(values - lower, 2 * reach)
    return middle, upper, lower, place, ratio(2 * reach, middle)


def squeeze(
    bars: Bars, timeperiod: int, nbdev: float, multiplier: float
) -> tuple[FloatArray, FloatArray]:
    """Return the squeeze's momentum and whether it is on.

    Parameters
    ----------
    bars : Bars
    timeperiod : int
        Bars of all averages, extremes and of the regression.
    nbdev : float
        Half the width of the Bollinger bands in standard deviations.
    multiplier : float
        Half the width of the Keltner channel in average ranges.

    Returns
    -------
    momentum : ndarray of shape (n_bars,)
        End point of the regression line through the closes' distances from the
        mean of channel middle and average, in price units.
    is_on : ndarray of shape (n_bars,)
        1 where the Bollinger bands lie inside the Keltner channel, else 0.

    Notes
    -----
    NaN in the first ``2 * timeperiod - 2`` bars. Both bands stand around the
    simple average of the close; the Keltner channel takes the simple average of
    the true range.

    References
    ----------
    Carter (2005), Mastering the Trade, "the squeeze"; momentum as in LazyBear's
    widely used script, whose factor of the deviation was in error.
    """
    high, low, close = bars.high, bars.low, bars.close
    average = talib.SMA(close, timeperiod)
    deviation = nbdev * talib.STDDEV(close, timeperiod, 1.0)
    reach = multiplier * mean_amount(talib.TRANGE(high, low, close), timeperiod)
    middle = (talib.MAX(high, timeperiod) + talib.MIN(low, timeperiod)) / 2
    distance = close - (middle + average) / 2
    is_on = (deviation < reach).astype(np.float64)
    return talib.LINEARREG(distance, timeperiod), is_on


def _bollinger(bars: Bars, arguments: Arguments) -> tuple[FloatArray, FloatArray]:
    return bollinger_place(
        source_values(bars, arguments),
        as_int(arguments),
        as_float(arguments, "nbdev"),
        str(arguments["matype"]),
    )


def _bollinger_warm_up(arguments: Arguments) -> int:
    code = MOVING_AVERAGES[str(arguments["matype"])]
    nbdev = as_float(arguments, "nbdev")
    return lookback("BBANDS", (as_int(arguments), nbdev, nbdev, code))


def _keltner(bars: Bars, arguments: Arguments) -> tuple[FloatArray, ...]:
    channel = keltner(
        bars,
        source_values(bars, arguments),
        timeperiod=as_int(arguments),
        atrperiod=as_int(arguments, "atrperiod"),
        multiplier=as_float(arguments, "multiplier"),
        matype=str(arguments["matype"]),
    )
    return unknown_before(_keltner_warm_up(arguments), *channel)


def _keltner_warm_up(arguments: Arguments) -> int:
    average = moving_average_warm_up(as_int(arguments), str(arguments["matype"]))
    return max(average, lookback("ATR", (as_int(arguments, "atrperiod"),)))


def _squeeze(bars: Bars, arguments: Arguments) -> tuple[FloatArray, ...]:
    outputs = squeeze(
        bars,
        as_int(arguments),
        as_float(arguments, "nbdev"),
        as_float(arguments, "multiplier"),
    )
    return unknown_before(2 * as_int(arguments) - 2, *outputs)


_BOLLINGER_PARAMETERS = (
    period(20),
    number(2.0, "nbdev", 0.01),
    average_kind(),
    source(),
)
_FLAT = "not known while all prices of the window are equal"

INDICATORS = (
    Indicator(
        name="bollinger_position",
        title="Bollinger %b: where the price stands between the Bollinger bands",
        group="volatility",
        parameters=_BOLLINGER_PARAMETERS,
        compute=lambda bars, arguments: _bollinger(bars, arguments)[:1],
        warm_up=_bollinger_warm_up,
        may_be_undefined=True,
        note=_FLAT,
    ),
    Indicator(
        name="bollinger_width",
        title="Bollinger band width as a fraction of the middle band",
        group="volatility",
        parameters=_BOLLINGER_PARAMETERS,
        compute=lambda bars, arguments: _bollinger(bars, arguments)[1:],
        warm_up=_bollinger_warm_up,
        may_be_undefined=True,
        note="not known where the middle band is 0, as an average of volume can be",
    ),
    Indicator(
        name="donchian_position",
        title="Where the close stands in the Donchian channel",
        group="overlap",
        inputs=("high", "low", "close"),
        parameters=(period(20),),
        compute=lambda bars, arguments: (
            donchian_position(bars.high, bars.low, bars.close, as_int(arguments)),
        ),
        warm_up=lambda arguments: as_int(arguments) - 1,
        may_be_undefined=True,
        note=_FLAT,
    ),
    Indicator(
        name="keltner",
        title="Keltner channels around any average, and the price's place in them",
        group="overlap",
        inputs=("high", "low", "close"),
        parameters=(
            period(20),
            period(10, "atrperiod", 1),
            number(2.0, "multiplier"),
            average_kind("ema"),
            price_source(),
        ),
        outputs=("middleband", "upperband", "lowerband", "position", "width"),
        compute=_keltner,
        warm_up=_keltner_warm_up,
        may_be_undefined=True,
        note="position runs from 0 at the lower band to 1 at the upper one",
    ),
    Indicator(
        name="squeeze",
        title="Squeeze: Bollinger bands inside the Keltner channel, and momentum",
        group="volatility",
        inputs=("high", "low", "close"),
        parameters=(
            period(20),
            number(2.0, "nbdev"),
            number(1.5, "multiplier"),
        ),
        outputs=("momentum", "is_on"),
        compute=_squeeze,
        warm_up=lambda arguments: 2 * as_int(arguments) - 2,
    ),
)
