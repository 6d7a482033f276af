"""Gaps between bars, told apart by what the market's calendar says."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ktrdr.data.calendar import Calendar
from ktrdr.data.schedule import DAY_MS
from ktrdr.data.timeframe import Timeframe
from ktrdr.typing import IntArray, TimeArray

GapKind = Literal["closed", "holiday", "unexpected"]
GAP_KINDS: tuple[GapKind, ...] = ("closed", "holiday", "unexpected")
_HALF_DAY = np.timedelta64(12, "h")
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A time without bars.

    Attributes
    ----------
    kind : str
        ``closed``: weekend or outside the session; ``holiday``; or ``unexpected``,
        when at least one bar was due.
    begin, end : datetime64[ms]
        Close of the bar before and opening of the bar after, UTC.
    n_missing : int
        Bars that were due; for ``closed`` and ``holiday`` those that would have been
        due on another day, which may be 0.
    """

    kind: GapKind
    begin: np.datetime64
    end: np.datetime64
    n_missing: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Gaps:
    """All gaps of a series, in columns; see ``Gap``.

    Attributes
    ----------
    begin, end : ndarray of datetime64[ms], shape (n_gaps,)
    kind : ndarray of int64, shape (n_gaps,)
        Index into ``GAP_KINDS``.
    n_missing : ndarray of int64, shape (n_gaps,)
    """

    begin: TimeArray
    end: TimeArray
    kind: IntArray
    n_missing: IntArray

    def count(self, kind: GapKind) -> int:
        """Return the number of gaps of one kind."""
        return int((self.kind == GAP_KINDS.index(kind)).sum())

    def missing(self, kind: GapKind) -> int:
        """Return the number of bars missing in gaps of one kind."""
        return int(self.n_missing[self.kind == GAP_KINDS.index(kind)].sum())

    def of_kind(self, kind: GapKind, limit: int | None = None) -> list[Gap]:
        """Return the gaps of one kind, longest first."""
        rows = np.flatnonzero(self.kind == GAP_KINDS.index(kind))
        longest = rows[np.argsort(-self.n_missing[rows], kind="stable")][:limit]
        return [
            Gap(
                kind=kind,
                begin=self.begin[row],
                end=self.end[row],
                n_missing=int(self.n_missing[row]),
            )
            for row in longest
        ]


def find_gaps(time: TimeArray, timeframe: Timeframe, calendar: Calendar) -> Gaps:
    """Return the gaps between bars.

    Parameters
    ----------
    time : ndarray of datetime64[ms], shape (n_bars,)
        Opening times, UTC, increasing.
    timeframe : Timeframe
    calendar : Calendar
        Ignored by weekly bars, of which one is due every week.

    Returns
    -------
    Gaps
        In order of time.

    Notes
    -----
    A daily bar belongs to the date 12 hours after its opening time, which is the
    trading day whether bars open at midnight of UTC, at midnight of the exchange or
    at 17:00 in New York the evening before.
    """
    if timeframe is Timeframe.W1:
        return _weekly_gaps(time)
    if timeframe is Timeframe.D1:
        return _daily_gaps(time, calendar)
    return _intraday_gaps(time, timeframe, calendar)


def days_around(time: TimeArray) -> TimeArray:
    """Return all days from a week before the first of ``time`` to one after the last.

    The margin lets the sessions of a calendar reach over both ends.
    """
    first, last = time[[0, -1]].astype("datetime64[D]")
    return np.arange(first - 8 * _DAY, last + 9 * _DAY, dtype="datetime64[D]")


def _intraday_gaps(time: TimeArray, timeframe: Timeframe, calendar: Calendar) -> Gaps:
    before = np.flatnonzero(np.diff(time) > timeframe.duration)
    begin, end = time[before] + timeframe.duration, time[before + 1]
    if not before.size:
        return _no_gaps(begin)
    schedule = calendar.schedule(days_around(time))
    moments = begin.astype(np.int64), end.astype(np.int64)
    in_session = schedule.sessions.within(*moments)
    in_holiday = schedule.holidays.within(*moments)
    return _classified(begin, end, in_session, in_holiday, timeframe.milliseconds)


def _daily_gaps(time: TimeArray, calendar: Calendar) -> Gaps:
    dates: TimeArray = (time + _HALF_DAY).astype("datetime64[D]")
    before = np.flatnonzero(np.diff(dates) > _DAY)
    begin, end = time[before] + Timeframe.D1.duration, time[before + 1]
    if not before.size:
        return _no_gaps(begin)
    schedule = calendar.daily_schedule(days_around(time))
    moments = _day_ms(dates[before] + _DAY), _day_ms(dates[before + 1])
    in_session = schedule.sessions.within(*moments)
    in_holiday = schedule.holidays.within(*moments)
    return _classified(begin, end, in_session, in_holiday, DAY_MS)


def _weekly_gaps(time: TimeArray) -> Gaps:
    duration = Timeframe.W1.duration
    # A clock change can move a bar by an hour, a holiday by a day.
    before = np.flatnonzero(np.diff(time) > duration + duration // 2)
    begin, end = time[before] + duration, time[before + 1]
    missing = np.rint((end - begin) / duration).astype(np.int64)
    kind = np.full(len(before), GAP_KINDS.index("unexpected"), dtype=np.int64)
    return Gaps(begin=begin, end=end, kind=kind, n_missing=missing)


def _classified(
    begin: TimeArray,
    end: TimeArray,
    in_session: IntArray,
    in_holiday: IntArray,
    bar_ms: int,
) -> Gaps:
    due = in_session - in_holiday
    kind = np.select(
        [due > 0, in_holiday > 0],
        [GAP_KINDS.index("unexpected"), GAP_KINDS.index("holiday")],
        GAP_KINDS.index("closed"),
    )
    span = np.where(due > 0, due, in_holiday)
    missing = np.rint(span / bar_ms).astype(np.int64)
    # Part of a bar's time is enough for a bar.
    missing = np.where(span > 0, np.maximum(missing, 1), 0)
    return Gaps(begin=begin, end=end, kind=kind.astype(np.int64), n_missing=missing)


def _no_gaps(none: TimeArray) -> Gaps:
    empty = np.empty(0, dtype=np.int64)
    return Gaps(begin=none, end=none, kind=empty, n_missing=empty)


def _day_ms(dates: TimeArray) -> IntArray:
    return dates.astype("datetime64[ms]").astype(np.int64)
