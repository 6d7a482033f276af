"""Longer bars from shorter ones."""

from dataclasses import dataclass, replace

import numpy as np

from ktrdr.data.bars import Bars
from ktrdr.data.timeframe import Timeframe
from ktrdr.errors import DataError, InputError
from ktrdr.typing import IntArray, TimeArray


@dataclass(frozen=True, kw_only=True)
class PartialBuckets:
    """Which long bars at the ends are not made of all that they could be.

    Attributes
    ----------
    first : datetime64[ms] or None
        Opening time of the first long bar, if the bars begin after it.
    last : datetime64[ms] or None
        Opening time of the last long bar, if the bars end before it closes; it is
        left out.
    """

    first: np.datetime64 | None
    last: np.datetime64 | None


def resample(bars: Bars, timeframe: Timeframe) -> Bars:
    """Return ``bars`` joined into bars of ``timeframe``.

    First open, highest high, lowest low, last close, sum of volumes. Buckets begin
    where ``Timeframe.opening`` says; a bucket without bars makes none.

    Parameters
    ----------
    bars : Bars
    timeframe : Timeframe
        At least as long as that of ``bars``; if equal, ``bars`` come back.

    Returns
    -------
    Bars
        Without a last bar that closes after the last of ``bars``: it is not known
        yet. So the result on ``bars[:k]`` is the full result cut at what is known
        at the close of bar k - 1.

    Raises
    ------
    InputError
        If ``timeframe`` is shorter than that of ``bars``.
    DataError
        If a bar reaches beyond its bucket, which would know the future by it.
    """
    if timeframe.milliseconds < bars.timeframe.milliseconds:
        raise InputError(
            f"{bars.symbol}: {timeframe} bars can't be made of {bars.timeframe} bars; "
            "import shorter ones"
        )
    if timeframe is bars.timeframe or not len(bars):
        return replace(bars, timeframe=timeframe)
    buckets = timeframe.opening(bars.time)
    _refuse_crossing(bars, timeframe, buckets)
    starts = _starts(buckets)
    joined = Bars(
        symbol=bars.symbol,
        timeframe=timeframe,
        time=buckets[starts],
        open=bars.open[starts],
        high=np.maximum.reduceat(bars.high, starts),
        low=np.minimum.reduceat(bars.low, starts),
        close=bars.close[np.append(starts[1:], len(bars)) - 1],
        volume=np.add.reduceat(bars.volume, starts),
    )
    return joined[: len(joined) - int(joined.close_time[-1] > bars.close_time[-1])]


def partial_buckets(bars: Bars, timeframe: Timeframe) -> PartialBuckets:
    """Return which long bars ``resample`` can't make whole at the ends."""
    if not len(bars):
        return PartialBuckets(first=None, last=None)
    first, last = timeframe.opening(bars.time[[0, -1]])
    return PartialBuckets(
        first=first if first < bars.time[0] else None,
        last=last if last + timeframe.duration > bars.close_time[-1] else None,
    )


def _starts(buckets: TimeArray) -> IntArray:
    changes = np.flatnonzero(buckets[1:] != buckets[:-1]) + 1
    return np.concatenate([[0], changes])


def _refuse_crossing(bars: Bars, timeframe: Timeframe, buckets: TimeArray) -> None:
    crossing = np.flatnonzero(bars.close_time > buckets + timeframe.duration)
    if crossing.size:
        row = crossing[0]
        raise DataError(
            f"{bars.symbol}: {crossing.size} {bars.timeframe} bars begin in one "
            f"{timeframe} bar and close in the next, the first at {bars.time[row]}; "
            "a longer bar made of them would hold prices from after its close; "
            "resample from shorter bars"
        )
