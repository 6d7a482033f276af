import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrdr.data import sample_bars
from ktrdr.report.scales import (
    Scale,
    nice_ticks,
    padded,
    tick_decimals,
    time_ticks,
)

VALUES = st.floats(-1e9, 1e9, allow_nan=False)


def hours(start, count, step=1):
    return np.datetime64(start, "ms") + np.arange(count) * np.timedelta64(step, "h")


def labels(time, most):
    return [tick.label for tick in time_ticks(time, most)]


def test_scale_maps_ends_to_ends():
    scale = Scale(low=10, high=20, start=300, end=100)
    assert scale(np.array([10.0, 15.0, 20.0])).tolist() == [300, 200, 100]
    assert scale.at(15) == 200


@given(a=VALUES, b=VALUES)
def test_padded_limits_are_always_apart(a, b):
    low, high = padded(min(a, b), max(a, b))
    assert low < min(a, b)
    assert high > max(a, b)


@given(a=VALUES, b=VALUES, most=st.integers(2, 20))
def test_nice_ticks_lie_within_limits_and_are_few(a, b, most):
    low, high = padded(min(a, b), max(a, b))
    ticks = nice_ticks(low, high, most)
    room = (high - low) * 1e-6
    assert len(ticks) <= most
    assert (ticks >= low - room).all()
    assert (ticks <= high + room).all()
    if len(ticks) > 1:
        step = np.diff(ticks)
        assert np.allclose(step, step[0])
        assert round(step[0] / 10.0 ** np.floor(np.log10(step[0] * 1.001))) in (1, 2, 5)


def test_nice_ticks_are_exact_decimals():
    assert (
        nice_ticks(1.1401, 1.2049, 7).tolist()
        == [
            1.14,
            1.15,
            1.16,
            1.17,
            1.18,
            1.19,
            1.2,
        ][1:]
    )
    assert nice_ticks(-0.3, 0.3, 7).tolist() == [-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]


@pytest.mark.parametrize(
    ("ticks", "expected"),
    [([1.0, 2.0], 0), ([0.5, 1.0], 1), ([1.15], 2), ([0.0], 0), ([], 0)],
)
def test_tick_decimals_are_as_many_as_needed(ticks, expected):
    assert tick_decimals(np.array(ticks)) == expected


def test_hours_name_the_day_where_it_changes():
    assert labels(hours("2020-01-06T00:00", 37), 8) == [
        "6 Jan 00:00",
        "06:00",
        "12:00",
        "18:00",
        "7 Jan 00:00",
        "06:00",
        "12:00",
    ]


def test_weeks_begin_on_monday():
    ticks = time_ticks(hours("2020-01-02T05:00", 24 * 40), 6)
    days = [tick.label for tick in ticks]
    assert days == ["6 Jan 2020", "13 Jan", "20 Jan", "27 Jan", "3 Feb", "10 Feb"]


def test_months_name_the_year_where_it_changes():
    time = np.arange("2019-10-10", "2020-04-05", dtype="datetime64[D]")
    assert labels(time.astype("datetime64[ms]"), 6) == [
        "Nov 2019",
        "Dec",
        "Jan 2020",
        "Feb",
        "Mar",
        "Apr",
    ]


def test_decades_of_days():
    time = np.arange("1975-06-01", "2024-04-05", dtype="datetime64[D]")
    assert labels(time.astype("datetime64[ms]"), 6) == [
        "1980",
        "1990",
        "2000",
        "2010",
        "2020",
    ]


def test_ticks_stand_at_the_first_bar_of_their_step():
    time = sample_bars().time
    for tick in time_ticks(time, 12)[1:]:
        month = time[tick.row].astype("datetime64[M]")
        before = time[tick.row - 1].astype("datetime64[M]")
        assert before == month - np.timedelta64(1, "M")


@pytest.mark.parametrize("n_bars", [0, 1])
def test_no_ticks_without_a_span(n_bars):
    assert time_ticks(hours("2020-01-06T00:00", n_bars), 5) == []


@given(
    n_bars=st.integers(2, 400), minutes=st.integers(1, 50_000), most=st.integers(1, 9)
)
def test_time_ticks_are_few_and_in_order(n_bars, minutes, most):
    step = np.timedelta64(minutes, "m")
    time = np.datetime64("2001-02-03T04:05", "ms") + np.arange(n_bars) * step
    rows = [tick.row for tick in time_ticks(time, most)]
    assert len(rows) <= most
    assert rows == sorted(set(rows))
    assert all(0 <= row < n_bars for row in rows)
