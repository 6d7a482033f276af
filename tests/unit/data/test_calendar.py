from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrdr.data import GAP_KINDS, Timeframe, calendar_named, find_gaps
from ktrdr.data.calendar_guess import guess_calendar, is_currency_pair
from ktrdr.data.exchanges import TRADING_HOURS
from ktrdr.data.schedule import Spans
from ktrdr.data.zones import offsets_of, parse_zone
from ktrdr.errors import InputError


def times(*texts):
    return np.array(texts, "datetime64[ms]")


def span(first, last, step_minutes):
    return np.arange(
        np.datetime64(first, "ms"),
        np.datetime64(last, "ms"),
        np.timedelta64(step_minutes, "m"),
    )


def session_bars(calendar, first, last, step_minutes):
    """Opening times of all bars that the calendar says are due."""
    every = span(first, last, step_minutes)
    margin = np.arange(-8, 9)
    days = np.arange(first, last, dtype="datetime64[D]")
    days = np.unique((days[:, None] + margin.astype("timedelta64[D]")).ravel())
    schedule = calendar_named(calendar).schedule(days)
    begin = every.astype(np.int64)
    due = schedule.sessions.within(begin, begin + 60_000)
    due -= schedule.holidays.within(begin, begin + 60_000)
    return every[due > 0]


def in_ms(offset):
    return offset.total_seconds() * 1000


def counts(time, timeframe, calendar):
    gaps = find_gaps(time, timeframe, calendar_named(calendar))
    return {kind: (gaps.count(kind), gaps.missing(kind)) for kind in GAP_KINDS}


@given(
    st.sampled_from(
        ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "UTC"]
    ),
    st.lists(st.integers(0, 2 * 365 * 24 * 60), min_size=1, max_size=50),
)
@settings(deadline=None)
def test_offsets_equal_those_looked_up_one_by_one(name, minutes):
    zone = ZoneInfo(name)
    start = datetime(2023, 1, 1)
    local_ms = np.array(minutes) * 60_000 + int(
        (start - datetime(1970, 1, 1)).total_seconds() * 1000
    )

    offsets = offsets_of(local_ms, zone)

    for at, minute in enumerate(minutes):
        moment = (start + timedelta(minutes=minute)).replace(tzinfo=zone)
        later = moment.replace(fold=1)
        assert offsets.earlier[at] == in_ms(moment.utcoffset())
        assert offsets.later[at] == in_ms(later.utcoffset())


def test_hours_that_are_skipped_or_repeated_are_told():
    zone = parse_zone("America/New_York")
    local = times("2024-03-10T01:59", "2024-03-10T02:00", "2024-03-10T02:59")
    local = np.append(local, times("2024-03-10T03:00", "2024-11-03T00:59"))
    local = np.append(local, times("2024-11-03T01:00", "2024-11-03T01:59"))
    local = np.append(local, times("2024-11-03T02:00"))

    offsets = offsets_of(local.astype(np.int64), zone)

    assert offsets.is_skipped.tolist() == [False, True, True] + [False] * 5
    assert offsets.is_repeated.tolist() == [False] * 5 + [True, True, False]


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "../etc/passwd", "a\0b", "X" * 500]
)
def test_unknown_zones_are_refused(name):
    with pytest.raises(InputError, match="unknown time zone"):
        parse_zone(name)


@given(
    st.lists(st.integers(0, 200), min_size=2, max_size=12, unique=True),
    st.integers(-10, 210),
    st.integers(0, 100),
)
@settings(deadline=None)
def test_time_within_spans_equals_counting_it(edges, begin, length):
    edges = sorted(edges)[: len(edges) // 2 * 2]
    spans = Spans(begins=np.array(edges[::2]), ends=np.array(edges[1::2]))
    covered = {
        at for b, e in zip(edges[::2], edges[1::2], strict=True) for at in range(b, e)
    }

    within = spans.within(np.array([begin]), np.array([begin + length]))

    assert within.tolist() == [len(covered & set(range(begin, begin + length)))]


def test_fx_week_follows_new_york_over_clock_changes():
    schedule = calendar_named("fx").schedule(
        np.arange("2017-03-05", "2017-03-19", dtype="datetime64[D]")
    )
    opens = schedule.sessions.begins.astype("datetime64[ms]").astype("datetime64[m]")
    closes = schedule.sessions.ends.astype("datetime64[ms]").astype("datetime64[m]")

    assert [str(each) for each in opens] == ["2017-03-05T22:00", "2017-03-12T21:00"]
    assert [str(each) for each in closes] == ["2017-03-10T22:00", "2017-03-17T21:00"]


def test_fx_weekend_is_closed_and_a_missing_hour_unexpected():
    time = session_bars("fx", "2017-06-04", "2017-06-18", 60)

    assert counts(time, Timeframe.H1, "fx")["unexpected"] == (0, 0)
    assert counts(time, Timeframe.H1, "fx")["closed"] == (1, 0)
    holed = np.delete(time, [10, 50, 51])
    assert counts(holed, Timeframe.H1, "fx")["unexpected"] == (2, 3)


def test_hour_missing_beside_a_weekend_is_unexpected():
    time = session_bars("fx", "2017-06-04", "2017-06-18", 60)
    friday = int(np.argmax(np.diff(time)))

    found = counts(np.delete(time, friday), Timeframe.H1, "fx")

    assert found["unexpected"] == (1, 1)
    assert found["closed"] == (0, 0)


def test_christmas_is_a_holiday_of_fx():
    time = session_bars("24/7", "2018-12-24", "2018-12-28", 60)
    holed = time[
        (time < np.datetime64("2018-12-24T22:00"))
        | (time >= np.datetime64("2018-12-25T22:00"))
    ]

    assert counts(holed, Timeframe.H1, "fx")["holiday"] == (1, 24)
    assert counts(holed, Timeframe.H1, "fx")["unexpected"] == (0, 0)
    assert counts(holed, Timeframe.H1, "24/7")["unexpected"] == (1, 24)


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        ("2024-07-04", "holiday"),
        ("2024-03-29", "holiday"),
        ("2024-11-28", "holiday"),
        ("2024-07-05", "unexpected"),
    ],
)
def test_daily_bars_of_new_york(day, kind):
    around = np.datetime64(day, "D") + np.arange(-10, 11)
    weekdays = around[np.is_busday(around)]
    time = weekdays[weekdays != np.datetime64(day)].astype("datetime64[ms]")

    found = counts(time, Timeframe.D1, "XNYS")

    assert found[kind][1] == 1
    others = {"holiday", "unexpected"} - {kind}
    # 4 July 2024 lies within ten days of 5 July and was not left out there.
    assert found[others.pop()][1] == 0


def test_day_after_thanksgiving_closes_early():
    time = session_bars("XNYS", "2024-11-25", "2024-12-03", 30)
    friday = time[time.astype("datetime64[D]") == np.datetime64("2024-11-29")]

    assert friday[-1] == np.datetime64("2024-11-29T17:30")
    found = counts(time, Timeframe.M30, "XNYS")
    assert found["unexpected"] == (0, 0)
    assert found["holiday"][0] == 2


def test_lunch_of_tokyo_is_closed():
    time = session_bars("XJPX", "2025-01-14", "2025-01-15", 30)

    assert counts(time, Timeframe.M30, "XJPX")["closed"] == (1, 0)
    assert counts(time, Timeframe.M30, "24/7")["unexpected"] == (1, 2)


def test_daily_bars_may_open_at_any_hour_of_their_day():
    utc = times("2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09")
    for hours in (-2, 0, 5):
        time = utc + np.timedelta64(hours, "h")
        assert counts(time, Timeframe.D1, "fx")["closed"] == (1, 0)
        assert counts(time, Timeframe.D1, "fx")["unexpected"] == (0, 0)


def test_missing_weeks_are_unexpected_in_any_calendar():
    time = times("2024-01-01", "2024-01-08", "2024-01-29")

    assert counts(time, Timeframe.W1, "XNYS")["unexpected"] == (1, 2)


def test_longest_unexpected_gaps_come_first():
    time = np.delete(
        session_bars("24/7", "2024-01-01", "2024-01-05", 60), [5, 20, 21, 22]
    )
    gaps = find_gaps(time, Timeframe.H1, calendar_named("24/7"))

    [longest] = gaps.of_kind("unexpected", 1)

    assert longest.n_missing == 3
    assert longest.begin == np.datetime64("2024-01-01T20:00")
    assert longest.end == np.datetime64("2024-01-01T23:00")


def test_exchange_without_known_hours_fits_daily_bars_only():
    time = times("2024-01-02", "2024-01-04")

    assert counts(time, Timeframe.D1, "XBOG")["unexpected"] == (1, 1)
    with pytest.raises(InputError, match="only the holidays are known"):
        counts(time, Timeframe.H1, "XBOG")


@pytest.mark.parametrize("mic", TRADING_HOURS)
def test_every_exchange_has_hours_and_holidays(mic):
    calendar = calendar_named(mic.lower())
    schedule = calendar.schedule(
        np.arange("2026-01-01", "2027-01-01", dtype="datetime64[D]")
    )

    assert (schedule.sessions.ends > schedule.sessions.begins).all()
    assert (np.diff(schedule.sessions.begins) > 0).all()
    assert (schedule.sessions.begins[1:] >= schedule.sessions.ends[:-1]).all()
    assert len(schedule.holidays.begins) >= 3
    assert calendar.first_year is not None
    assert calendar.first_year < 2026


def test_unknown_calendar_is_refused_with_those_there_are():
    with pytest.raises(InputError, match=r"24/7, weekdays, fx.*XNYS"):
        calendar_named("moon")


@pytest.mark.parametrize(
    "symbol", ["EURUSD", "EUR/USD", "EURUSD=X", "EUR_USD", "XAUUSD", "EUR.USD"]
)
def test_currency_pairs_are_known(symbol):
    assert is_currency_pair(symbol)


@pytest.mark.parametrize(
    "symbol", ["GOOGLE", "AAPL", "BTCUSD", "EUREUR", "EUR", "USDUSDX"]
)
def test_what_is_no_currency_pair(symbol):
    assert not is_currency_pair(symbol)


@pytest.mark.parametrize(
    ("calendar", "symbol", "step", "timeframe"),
    [
        ("24/7", "BTCUSD", 60, Timeframe.H1),
        ("fx", "EURUSD", 60, Timeframe.H1),
        ("fx", "UNKNOWN", 60, Timeframe.H1),
        ("XNYS", "AAPL", 30, Timeframe.M30),
        ("XJPX", "TOYOTA", 30, Timeframe.M30),
        ("XLON", "VOD.L", 30, Timeframe.M30),
        ("XCME", "ES#F", 60, Timeframe.H1),
    ],
)
def test_calendar_is_guessed_from_symbol_and_times(calendar, symbol, step, timeframe):
    time = session_bars(calendar, "2024-01-02", "2024-06-01", step)

    assert guess_calendar(symbol, time, timeframe).calendar.name == calendar


def test_weekdays_when_nothing_fits():
    hours = np.arange("2024-01-01T00", "2024-03-01T00", 7, dtype="datetime64[h]")
    time = hours[np.is_busday(hours.astype("datetime64[D]"))].astype("datetime64[ms]")

    guessed = guess_calendar("ODD", time, Timeframe.H1)

    assert guessed.calendar.name == "weekdays"
