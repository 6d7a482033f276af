"""Which market's calendar bars follow, judged by their symbol and times."""

from dataclasses import dataclass

import numpy as np

from ktrdr.data.calendar import (
    Calendar,
    FxCalendar,
    WeeklyCalendar,
    calendar_named,
)
from ktrdr.data.exchanges import SUFFIXES, TRADING_HOURS
from ktrdr.data.gaps import days_around, find_gaps
from ktrdr.data.schedule import weekday_of
from ktrdr.data.timeframe import Timeframe
from ktrdr.typing import TimeArray

_CURRENCIES = frozenset(
    "USD EUR JPY GBP CHF AUD CAD NZD SEK NOK DKK SGD HKD CNH CNY MXN ZAR TRY PLN CZK "
    "HUF ILS INR KRW THB BRL RUB XAU XAG XPT XPD".split()
)
_SATURDAY = 5
_HALF_DAY = np.timedelta64(12, "h")
# Around the clock one bar in seven is on a Saturday.
_LEAST_ON_SATURDAY = 1 / 14
_LEAST_BARS = 20
_MOST_MISFITS = 0.05


@dataclass(frozen=True, kw_only=True)
class GuessedCalendar:
    """A calendar, and why it was taken."""

    calendar: Calendar
    reason: str


def guess_calendar(
    symbol: str, time: TimeArray, timeframe: Timeframe
) -> GuessedCalendar:
    """Return the calendar that fits best; of those that fit alike, the better known.

    Parameters
    ----------
    symbol : str
    time : ndarray of datetime64[ms], shape (n_bars,)
        Opening times, UTC, increasing.
    timeframe : Timeframe
    """
    if timeframe is Timeframe.W1 or not len(time):
        return _guess(WeeklyCalendar(name="24/7", n_weekdays=7), "a bar is due weekly")
    middle = time + _HALF_DAY if timeframe is Timeframe.D1 else time
    on_saturday = np.mean(weekday_of(middle.astype("datetime64[D]")) == _SATURDAY)
    if on_saturday >= _LEAST_ON_SATURDAY:
        around_the_clock = WeeklyCalendar(name="24/7", n_weekdays=7)
        return _guess(around_the_clock, "there are bars on Saturdays")
    if is_currency_pair(symbol):
        return _guess(FxCalendar(), f"{symbol} is a currency pair")
    _, dot, suffix = symbol.rpartition(".")
    if dot and suffix in SUFFIXES:
        exchange = SUFFIXES[suffix]
        return _guess(calendar_named(exchange), f"the symbol ends in .{suffix}")
    return _best_fit(time, timeframe)


def is_currency_pair(symbol: str) -> bool:
    """Tell whether ``symbol`` names two currencies or a metal in a currency."""
    letters = symbol.removesuffix("=X").translate(str.maketrans("", "", "/._-"))
    pair = {letters[:3], letters[3:6]}
    return len(letters) == 6 and len(pair) == 2 and pair <= _CURRENCIES


def _best_fit(time: TimeArray, timeframe: Timeframe) -> GuessedCalendar:
    weekdays = _guess(
        WeeklyCalendar(name="weekdays", n_weekdays=5),
        "no exchange's hours and holidays fit, and there are no bars on Saturdays",
    )
    if len(time) < _LEAST_BARS:
        return weekdays
    candidates: list[Calendar] = [calendar_named(mic) for mic in TRADING_HOURS]
    candidates.append(FxCalendar())
    misfits = [_misfits(time, timeframe, calendar) for calendar in candidates]
    best = int(np.argmin(misfits))
    share = misfits[best] / len(time)
    if share > _MOST_MISFITS:
        return weekdays
    return _guess(
        candidates[best], f"it fits best: {share:.2%} of bars amiss, judged by times"
    )


def _misfits(time: TimeArray, timeframe: Timeframe, calendar: Calendar) -> int:
    # Bars at times when the market is closed, and bars missing when it is open.
    days = days_around(time)
    if timeframe is Timeframe.D1:
        schedule = calendar.daily_schedule(days)
        begin = (time + _HALF_DAY).astype("datetime64[D]").astype("datetime64[ms]")
    else:
        schedule = calendar.schedule(days)
        begin = time
    moments = begin.astype(np.int64)
    ends = moments + timeframe.milliseconds
    is_open = schedule.sessions.within(moments, ends) > schedule.holidays.within(
        moments, ends
    )
    missing = find_gaps(time, timeframe, calendar).missing("unexpected")
    return int((~is_open).sum()) + missing


def _guess(calendar: Calendar, reason: str) -> GuessedCalendar:
    return GuessedCalendar(calendar=calendar, reason=reason)
