"""Volume indicators that TA-Lib lacks, or has in another sense."""

from itertools import pairwise

import numpy as np

from ktrdr.data import Bars, Timeframe
from ktrdr.indicators.indicator import Arguments, Indicator, Parameter
from ktrdr.indicators.parameters import as_int, period, price_source, source_values
from ktrdr.indicators.results import mean_amount, ratio
from ktrdr.typing import FloatArray, TimeArray

_ANCHORS = ("day", "week", "month")


def anchored_vwap(
    values: FloatArray, volume: FloatArray, starts: TimeArray
) -> FloatArray:
    """Return the volume weighted average price since each session's first bar.

    Parameters
    ----------
    values : ndarray of shape (n_bars,)
        Price of each bar.
    volume : ndarray of shape (n_bars,)
        At least 0.
    starts : ndarray of datetime64, shape (n_bars,)
        When the session of each bar began, not decreasing.

    Returns
    -------
    ndarray of shape (n_bars,)
        In price units; NaN while the session has no volume.

    Notes
    -----
    Bar i uses the bars of its session up to i. Each session is summed by itself,
    so that no precision is lost to the volume of those before it.
    """
    edges = np.flatnonzero(starts[1:] != starts[:-1]) + 1
    bounds = [0, *edges.tolist(), len(values)]
    traded = values * volume
    money, units = np.empty_like(traded), np.empty_like(traded)
    for first, last in pairwise(bounds):
        np.cumsum(traded[first:last], out=money[first:last])
        np.cumsum(volume[first:last], out=units[first:last])
    return ratio(money, units)


def session_starts(time: TimeArray, anchor: str) -> TimeArray:
    """Return when the UTC day, week (from Monday) or month of each time began."""
    if anchor == "month":
        return time.astype("datetime64[M]").astype("datetime64[ms]")
    timeframe = Timeframe.D1 if anchor == "day" else Timeframe.W1
    return timeframe.opening(time)


def volume_ratio(volume: FloatArray, timeperiod: int) -> FloatArray:
    """Return each bar's volume over the mean of ``timeperiod`` bars, itself included.

    Parameters
    ----------
    volume : ndarray of shape (n_bars,)
        At least 0.
    timeperiod : int

    Returns
    -------
    ndarray of shape (n_bars,)
        From 0 to ``timeperiod``; 1 is usual. NaN in the first
        ``timeperiod - 1`` bars and where no bar of the window had volume.
    """
    return ratio(volume, mean_amount(volume, timeperiod))


def _vwap(bars: Bars, arguments: Arguments) -> tuple[FloatArray, ...]:
    starts = session_starts(bars.time, str(arguments["anchor"]))
    average = anchored_vwap(source_values(bars, arguments), bars.volume, starts)
    return ratio(bars.close, average) - 1, average


_NO_VOLUME = "not known without volume"

INDICATORS = (
    Indicator(
        name="anchored_vwap",
        title="Volume weighted average price since the start of day, week or month",
        group="volume",
        inputs=("close", "volume"),
        parameters=(
            Parameter(name="anchor", kind="choice", default="day", choices=_ANCHORS),
            price_source("hlc3"),
        ),
        outputs=("distance", "vwap"),
        compute=_vwap,
        warm_up=lambda _: 0,
        may_be_undefined=True,
        note=f"UTC; distance is close / vwap - 1; {_NO_VOLUME}; a session that began "
        "before the data starts at the first bar",
    ),
    Indicator(
        name="volume_ratio",
        title="Volume over its average",
        group="volume",
        inputs=("volume",),
        parameters=(period(20),),
        compute=lambda bars, arguments: (volume_ratio(bars.volume, as_int(arguments)),),
        warm_up=lambda arguments: as_int(arguments) - 1,
        may_be_undefined=True,
        note=f"{_NO_VOLUME}; `rvol` leaves the bar itself out of the average",
    ),
)
