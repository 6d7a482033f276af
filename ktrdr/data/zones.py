"""Clock times of a place to UTC and back, for whole columns."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from ktrdr.errors import InputError
from ktrdr.typing import BoolArray, IntArray

_DAY_MS = 86_400_000
_MINUTE_MS = 60_000
_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Offsets:
    """How far a place's clock is ahead of UTC when it shows given times.

    Attributes
    ----------
    earlier, later : ndarray of int64, shape (n_times,)
        In milliseconds. They differ where the clock is changed: a time that the
        clock shows twice has one offset the first time and another the second; one
        that it never shows has the offset before and that after the change.
    """

    earlier: IntArray
    later: IntArray

    @property
    def is_repeated(self) -> BoolArray:
        """Times that the clock shows twice, shape (n_times,)."""
        return self.earlier > self.later

    @property
    def is_skipped(self) -> BoolArray:
        """Times that the clock never shows, shape (n_times,)."""
        return self.earlier < self.later


def parse_zone(name: str) -> ZoneInfo:
    """Return the time zone ``name`` of the IANA list, or raise InputError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(
            f"unknown time zone {name[:80]!r}; expected a name of the IANA list, such "
            "as UTC, Europe/Berlin or America/New_York"
        ) from None


def offsets_of(local_ms: IntArray, zone: ZoneInfo) -> Offsets:
    """Return the offsets of ``zone`` at clock times, given in ms since 1970.

    Each day is looked up once, each minute only on days when the clock is changed.
    """
    days, day_of = np.unique(local_ms // _DAY_MS, return_inverse=True)
    at_start = [_lookup(each * _DAY_MS, zone) for each in days.tolist()]
    at_end = [_lookup((each + 1) * _DAY_MS, zone) for each in days.tolist()]
    by_day = np.array(at_start, dtype=np.int64).reshape(-1, 2)
    is_changing = (by_day != np.array(at_end).reshape(-1, 2)).any(axis=1)
    is_changing |= by_day[:, 0] != by_day[:, 1]
    offsets = by_day[day_of]
    rows = np.flatnonzero(is_changing[day_of])
    if rows.size:
        minutes, minute_of = np.unique(
            local_ms[rows] // _MINUTE_MS, return_inverse=True
        )
        by_minute = [_lookup(each * _MINUTE_MS, zone) for each in minutes.tolist()]
        offsets[rows] = np.array(by_minute, dtype=np.int64)[minute_of]
    return Offsets(earlier=offsets[:, 0], later=offsets[:, 1])


def utc_of(local_ms: IntArray, zone: ZoneInfo) -> IntArray:
    """Return UTC for clock times, the first of a time that is shown twice."""
    return local_ms - offsets_of(local_ms, zone).earlier


def _lookup(local_ms: int, zone: ZoneInfo) -> tuple[int, int]:
    moment = (_EPOCH + timedelta(milliseconds=local_ms)).replace(tzinfo=zone)
    return _offset_ms(moment), _offset_ms(moment.replace(fold=1))


def _offset_ms(moment: datetime) -> int:
    offset = moment.utcoffset()
    return 0 if offset is None else round(offset.total_seconds() * 1000)
