"""Which bars a backtest covers, and which of them the model had seen."""

import numpy as np

from ktrdr.backtesting.result import Seen
from ktrdr.data import Bars, from_iso, to_iso
from ktrdr.errors import InputError
from ktrdr.models import SplitPart, SplitRecord
from ktrdr.schemas import BacktestRequest, SeenBars
from ktrdr.typing import IntArray, TimeArray


def rows_of_period(bars: Bars, request: BacktestRequest, split: SplitRecord) -> slice:
    """Return the rows of ``bars`` that the request asks for.

    Raises
    ------
    InputError
        If none of the bars lies in that time, or the times are none.
    """
    if request.start is not None or request.end is not None:
        first = 0 if request.start is None else _row(bars, request.start)
        end = len(bars) if request.end is None else _row(bars, request.end)
        asked = f"from {request.start or 'the first'} to {request.end or 'the last'}"
    elif request.part != "all":
        part = split.test if request.part == "test" else split.validation
        start, last = _limits(part)
        first = int(np.searchsorted(bars.time, start))
        end = int(np.searchsorted(bars.time, last, side="right"))
        asked = f"in the model's {request.part} part, {part.start} to {part.end}"
    else:
        first, end, asked = 0, len(bars), "at all"
    if end <= first:
        raise InputError(
            f"no bar {asked}: {bars.symbol} {bars.timeframe} has {_extent(bars)}; "
            "choose another period or import these bars"
        )
    return slice(first, end)


def seen_parts(time: TimeArray, split: SplitRecord) -> IntArray:
    """Return the part of the split that each bar lies in, values of Seen.

    A part reaches from its first to its last base bar, rows that were purged from it
    included: their prices were seen through the labels of other rows.
    """
    parts = np.full(len(time), Seen.OTHER, np.int64)
    for part, value in (
        (split.train, Seen.TRAIN),
        (split.validation, Seen.VALIDATION),
        (split.test, Seen.TEST),
    ):
        start, last = _limits(part)
        parts[(time >= start) & (time <= last)] = value
    return parts


def count_seen(parts: IntArray, *, symbol_was_trained: bool) -> SeenBars:
    """Return how many bars lie in each part."""
    counts = np.bincount(parts, minlength=len(Seen)).tolist()
    return SeenBars(
        train=counts[Seen.TRAIN],
        validation=counts[Seen.VALIDATION],
        test=counts[Seen.TEST],
        other=counts[Seen.OTHER],
        symbol_was_trained=symbol_was_trained,
    )


def _row(bars: Bars, text: str) -> int:
    return int(np.searchsorted(bars.time, from_iso(text)))


def _limits(part: SplitPart) -> tuple[np.datetime64, np.datetime64]:
    return from_iso(part.start), from_iso(part.end)


def _extent(bars: Bars) -> str:
    if not len(bars):
        return "no bars at all"
    return f"bars from {to_iso(bars.time[0])} to {to_iso(bars.time[-1])}"
