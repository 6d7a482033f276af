"""When bars are due: calendars of markets."""

from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np

from ktrdr.data.exchanges import ExchangeCalendar
from ktrdr.data.schedule import (
    DAY_MS,
    MINUTE_MS,
    Schedule,
    Spans,
    weekday_of,
    whole_days,
)
from ktrdr.data.zones import utc_of
from ktrdr.errors import InputError
from ktrdr.typing import BoolArray, IntArray, TimeArray

_NEW_YORK = ZoneInfo("America/New_York")


class Calendar(Protocol):
    """Knows when bars are due."""

    @property
    def name(self) -> str:
        """How users name it."""

    @property
    def first_year(self) -> int | None:
        """First year whose holidays are known; None if there is nothing to know."""

    def schedule(self, days: TimeArray) -> Schedule:
        """Return the sessions of consecutive ``days``, to the minute."""

    def daily_schedule(self, days: TimeArray) -> Schedule:
        """Return which of consecutive ``days`` have a bar, as spans of whole days."""


@dataclass(frozen=True, kw_only=True)
class WeeklyCalendar:
    """Trades on the same weekdays always, around the clock, without holidays."""

    name: str
    n_weekdays: int
    first_year: None = None

    def schedule(self, days: TimeArray) -> Schedule:
        """Return the weekdays, whole."""
        return self.daily_schedule(days)

    def daily_schedule(self, days: TimeArray) -> Schedule:
        """Return the weekdays."""
        is_due = weekday_of(days) < self.n_weekdays
        return whole_days(days, is_due, np.zeros_like(is_due))


@dataclass(frozen=True, kw_only=True)
class FxCalendar:
    """Spot foreign exchange: Sunday 17:00 to Friday 17:00, New York time.

    Christmas and New Year's Day: bars may be missing from 13:00 of the day before
    to 18:00 of the day.
    """

    name: str = "fx"
    first_year: None = None

    def schedule(self, days: TimeArray) -> Schedule:
        """Return the weeks."""
        fridays = days[weekday_of(days) == 4].astype("datetime64[ms]").astype(np.int64)
        close = utc_of(fridays + 17 * 60 * MINUTE_MS, _NEW_YORK)
        open_ = utc_of(fridays - 5 * DAY_MS + 17 * 60 * MINUTE_MS, _NEW_YORK)
        sessions = Spans(begins=open_, ends=close)
        feasts = days[_is_feast(days)].astype("datetime64[ms]").astype(np.int64)
        begin = utc_of(feasts - 11 * 60 * MINUTE_MS, _NEW_YORK)
        end = utc_of(feasts + 18 * 60 * MINUTE_MS, _NEW_YORK)
        return Schedule(sessions=sessions, holidays=_overlap(sessions, begin, end))

    def daily_schedule(self, days: TimeArray) -> Schedule:
        """Return Monday to Friday; a bar on Sunday is welcome but not due."""
        return whole_days(days, weekday_of(days) < 5, _is_feast(days))


def calendar_named(name: str) -> Calendar:
    """Return the calendar ``name``: 24/7, weekdays, fx or a MIC such as XNYS."""
    if name.lower() in _WEEKLY:
        return WeeklyCalendar(name=name.lower(), n_weekdays=_WEEKLY[name.lower()])
    if name.lower() == "fx":
        return FxCalendar()
    if name.upper() in _known_exchanges():
        return ExchangeCalendar(name=name.upper())
    raise InputError(
        f"unknown calendar {name[:40]!r}; expected 24/7, weekdays, fx or an exchange: "
        f"{', '.join(_known_exchanges())}"
    )


_WEEKLY = {"24/7": 7, "weekdays": 5}


def _known_exchanges() -> list[str]:
    import holidays

    markets = holidays.list_supported_financial(include_aliases=True)
    return sorted({name for name in markets if name.startswith("X")} | {"BVMF"})


def _is_feast(days: TimeArray) -> BoolArray:
    months = days.astype("datetime64[M]")
    month = months.astype(np.int64) % 12 + 1
    day = (days - months.astype("datetime64[D]")).astype(np.int64) + 1
    is_feast: BoolArray = ((month == 12) & (day == 25)) | ((month == 1) & (day == 1))
    return is_feast


def _overlap(spans: Spans, begin: IntArray, end: IntArray) -> Spans:
    # Spans here are weeks and the others days, so two weeks at most touch each.
    parts = [
        (max(b, int(spans.begins[week])), min(e, int(spans.ends[week])))
        for b, e in zip(begin.tolist(), end.tolist(), strict=True)
        for week in _weeks_touching(spans, b, e)
    ]
    found = np.array(parts, dtype=np.int64).reshape(-1, 2)
    return Spans(begins=found[:, 0], ends=found[:, 1])


def _weeks_touching(spans: Spans, begin: int, end: int) -> range:
    first = int(np.searchsorted(spans.ends, begin, side="right"))
    return range(first, int(np.searchsorted(spans.begins, end, side="left")))
