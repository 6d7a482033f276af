"""Exchanges by market identifier code (MIC): trading hours and holidays."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from ktrdr.data.schedule import MINUTE_MS, Schedule, Spans, weekday_of, whole_days
from ktrdr.data.zones import utc_of
from ktrdr.errors import InputError
from ktrdr.typing import BoolArray, IntArray, TimeArray

if TYPE_CHECKING:
    from holidays import HolidayBase

_CLOSING_TIME = re.compile(r"at (\d{1,2}):(\d{2})\s*([ap]m)", re.IGNORECASE)
# Minutes of the day that lie after and before any session.
_OPEN = 10**6
_CLOSED = -(10**6)


@dataclass(frozen=True, kw_only=True)
class TradingHours:
    """When an exchange trades on each of its days.

    Attributes
    ----------
    zone : str
        Time zone of the exchange.
    segments : tuple of (int, int)
        Begin and end of each part of the session, in minutes from 00:00 of the
        trading day; below 0 is the evening before.
    """

    zone: str
    segments: tuple[tuple[int, int], ...]


def _hours(zone: str, *segments: str) -> TradingHours:
    return TradingHours(zone=zone, segments=tuple(map(_segment, segments)))


def _segment(text: str) -> tuple[int, int]:
    begin, end = (
        int(clock[:2]) * 60 + int(clock[3:]) for clock in text.split("-", maxsplit=1)
    )
    return (begin - 24 * 60 if begin > end else begin, end)


# Regular sessions of today; auctions and extended hours are left out, and so are
# earlier hours (Tokyo closed at 15:00 until November 2024).
TRADING_HOURS = {
    "XNYS": _hours("America/New_York", "09:30-16:00"),
    "XNAS": _hours("America/New_York", "09:30-16:00"),
    "XTSE": _hours("America/Toronto", "09:30-16:00"),
    "XLON": _hours("Europe/London", "08:00-16:30"),
    "XETR": _hours("Europe/Berlin", "09:00-17:30"),
    "XPAR": _hours("Europe/Paris", "09:00-17:30"),
    "XAMS": _hours("Europe/Amsterdam", "09:00-17:30"),
    "XBRU": _hours("Europe/Brussels", "09:00-17:30"),
    "XLIS": _hours("Europe/Lisbon", "08:00-16:30"),
    "XMIL": _hours("Europe/Rome", "09:00-17:30"),
    "XMAD": _hours("Europe/Madrid", "09:00-17:30"),
    "XSWX": _hours("Europe/Zurich", "09:00-17:20"),
    "XWAR": _hours("Europe/Warsaw", "09:00-16:50"),
    "XJPX": _hours("Asia/Tokyo", "09:00-11:30", "12:30-15:30"),
    "XHKG": _hours("Asia/Hong_Kong", "09:30-12:00", "13:00-16:00"),
    "XSHG": _hours("Asia/Shanghai", "09:30-11:30", "13:00-15:00"),
    "XSHE": _hours("Asia/Shanghai", "09:30-11:30", "13:00-15:00"),
    "XKRX": _hours("Asia/Seoul", "09:00-15:30"),
    "XTAI": _hours("Asia/Taipei", "09:00-13:30"),
    "XSES": _hours("Asia/Singapore", "09:00-12:00", "13:00-17:00"),
    "XNSE": _hours("Asia/Kolkata", "09:15-15:30"),
    "XBOM": _hours("Asia/Kolkata", "09:15-15:30"),
    "XASX": _hours("Australia/Sydney", "10:00-16:00"),
    "XNZE": _hours("Pacific/Auckland", "10:00-16:45"),
    "XJSE": _hours("Africa/Johannesburg", "09:00-16:50"),
    "BVMF": _hours("America/Sao_Paulo", "10:00-16:55"),
    "XCME": _hours("America/Chicago", "17:00-16:00"),
}

# How Yahoo and others mark the exchange in a symbol.
SUFFIXES = {
    "TO": "XTSE",
    "L": "XLON",
    "DE": "XETR",
    "PA": "XPAR",
    "AS": "XAMS",
    "BR": "XBRU",
    "LS": "XLIS",
    "MI": "XMIL",
    "MC": "XMAD",
    "SW": "XSWX",
    "WA": "XWAR",
    "T": "XJPX",
    "HK": "XHKG",
    "SS": "XSHG",
    "SZ": "XSHE",
    "KS": "XKRX",
    "TW": "XTAI",
    "SI": "XSES",
    "NS": "XNSE",
    "BO": "XBOM",
    "AX": "XASX",
    "NZ": "XNZE",
    "JO": "XJSE",
    "SA": "BVMF",
}


@dataclass(frozen=True, kw_only=True)
class ExchangeCalendar:
    """An exchange, by its market identifier code; holidays of package `holidays`."""

    name: str

    @property
    def first_year(self) -> int:
        """First year whose holidays are known."""
        return int(self._holidays(None, "public").start_year)

    def schedule(self, days: TimeArray) -> Schedule:
        """Return the regular sessions; a half day ends when its name or half says.

        Raises
        ------
        InputError
            If only the holidays of this exchange are known, not its hours.
        """
        hours = TRADING_HOURS.get(self.name)
        if hours is None:
            known = ", ".join(TRADING_HOURS)
            raise InputError(
                f"of {self.name} only the holidays are known, not the hours, so it "
                f"fits daily bars only; for shorter ones choose one of {known}"
            )
        zone = ZoneInfo(hours.zone)
        is_due = self._is_due(days)
        first, last = hours.segments[0][0], hours.segments[-1][1]
        closings = self._closings(days, (first + last) // 2)[is_due]
        due = days[is_due].astype("datetime64[ms]").astype(np.int64)
        begins, ends, closed_begins = [], [], []
        for begin, end in hours.segments:
            begins.append(utc_of(due + begin * MINUTE_MS, zone))
            ends.append(utc_of(due + end * MINUTE_MS, zone))
            closed = due + np.clip(closings, begin, end) * MINUTE_MS
            closed_begins.append(utc_of(closed, zone))
        begin_ms, end_ms = _interleave(begins), _interleave(ends)
        closed_ms = _interleave(closed_begins)
        is_closed = closed_ms < end_ms
        return Schedule(
            sessions=Spans(begins=begin_ms, ends=end_ms),
            holidays=Spans(begins=closed_ms[is_closed], ends=end_ms[is_closed]),
        )

    def daily_schedule(self, days: TimeArray) -> Schedule:
        """Return the days on which the exchange trades, if no holiday falls there."""
        closings = self._closings(days, 0)
        return whole_days(days, self._is_due(days), closings == _CLOSED)

    def _is_due(self, days: TimeArray) -> BoolArray:
        weekend = list(self._holidays(None, "public").weekend)
        return ~np.isin(weekday_of(days), weekend)

    def _closings(self, days: TimeArray, half_day: int) -> IntArray:
        # Minute of each day from which a holiday closes the exchange.
        closings = np.full(len(days), _OPEN, dtype=np.int64)
        years = sorted(set(days.astype("datetime64[Y]").astype(int) + 1970))
        for day, name in self._holidays(years, "half_day").items():
            _set(closings, days, np.datetime64(day, "D"), _closing(name, half_day))
        for day in self._holidays(years, "public"):
            _set(closings, days, np.datetime64(day, "D"), _CLOSED)
        return closings

    def _holidays(self, years: list[int] | None, category: str) -> "HolidayBase":
        import holidays

        market = holidays.financial_holidays(self.name)
        if category not in market.supported_categories:
            return market
        return holidays.financial_holidays(
            self.name, years=years, categories=(category,)
        )


def _interleave(columns: list[IntArray]) -> IntArray:
    return np.stack(columns, axis=1).ravel()


def _closing(name: str, half_day: int) -> int:
    found = _CLOSING_TIME.search(name)
    if found is None:
        return half_day
    hour = int(found[1]) % 12 + (12 if found[3].lower() == "pm" else 0)
    return hour * 60 + int(found[2])


def _set(closings: IntArray, days: TimeArray, day: np.datetime64, closing: int) -> None:
    row = int((day - days[0].astype("datetime64[D]")).astype(int))
    if 0 <= row < len(closings):
        closings[row] = closing
