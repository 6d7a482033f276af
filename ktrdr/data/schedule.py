"""Sessions and holidays as spans of time."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ktrdr.typing import BoolArray, IntArray, TimeArray

MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS


@dataclass(frozen=True, kw_only=True, eq=False)
class Spans:
    """Spans of time, in milliseconds since 1970, sorted and apart from each other."""

    begins: IntArray
    ends: IntArray

    @cached_property
    def _totals(self) -> IntArray:
        return np.concatenate([[0], np.cumsum(self.ends - self.begins)])

    def within(self, begin: IntArray, end: IntArray) -> IntArray:
        """Return how much of the spans lies between each ``begin`` and ``end``."""
        return self._until(end) - self._until(begin)

    def _until(self, moments: IntArray) -> IntArray:
        if not self.begins.size:
            return np.zeros_like(moments)
        count = np.searchsorted(self.begins, moments, side="right")
        beyond = np.maximum(self.ends[np.maximum(count - 1, 0)] - moments, 0)
        return np.where(count > 0, self._totals[count] - beyond, 0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Schedule:
    """A market's sessions, and those parts of them that holidays close."""

    sessions: Spans
    holidays: Spans


def weekday_of(days: TimeArray) -> IntArray:
    """Return the weekday of each day, Monday 0 to Sunday 6."""
    # The epoch began on a Thursday.
    return (days.astype("datetime64[D]").astype(np.int64) + 3) % 7


def whole_days(days: TimeArray, is_due: BoolArray, is_holiday: BoolArray) -> Schedule:
    """Return the due days and the holidays among them, as spans of whole days."""
    begins = days.astype("datetime64[ms]").astype(np.int64)
    closed = is_due & is_holiday
    return Schedule(
        sessions=Spans(begins=begins[is_due], ends=begins[is_due] + DAY_MS),
        holidays=Spans(begins=begins[closed], ends=begins[closed] + DAY_MS),
    )
