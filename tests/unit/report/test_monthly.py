import numpy as np
import pytest

from ktrdr.report.monthly import monthly_returns


def at(*days):
    return np.array([f"{day}T12:00" for day in days], dtype="datetime64[ms]")


def values(entries):
    return [entry and entry.value for entry in entries]


def test_months_compound_to_years_and_years_to_the_total():
    # 100 -> 110 (+10 %) -> 99 (-10 %) -> 108.9 (+10 %) -> 217.8 (+100 %)
    time = at("2019-11-02", "2019-11-29", "2019-12-30", "2020-01-30", "2020-03-30")
    equity = np.array([104.0, 110.0, 99.0, 108.9, 217.8])
    first, second = monthly_returns(time, equity, 100.0)
    assert (first.year, second.year) == (2019, 2020)
    assert values(first.months[10:]) == pytest.approx([0.1, -0.1])
    assert values(first.months[:10]) == [None] * 10
    assert values(second.months[:3]) == [pytest.approx(0.1), None, pytest.approx(1)]
    years = values([first.whole, second.whole])
    assert years == pytest.approx([-0.01, 1.2])
    assert (1 + years[0]) * (1 + years[1]) == pytest.approx(2.178)


def test_months_that_bars_cover_in_part_are_marked():
    time = at("2019-11-10", "2019-11-29", "2019-12-30", "2020-01-20")
    first, second = monthly_returns(time, np.full(4, 100.0), 100.0)
    marks = [entry and entry.is_partial for entry in (*first.months, *second.months)]
    assert marks[10:13] == [True, False, True]
    assert first.whole.is_partial
    assert second.whole.is_partial


def test_a_year_from_the_first_working_day_to_the_last_is_whole():
    time = at("2018-01-02", "2018-06-15", "2018-12-28")
    (year,) = monthly_returns(time, np.array([101.0, 102.0, 103.0]), 100.0)
    assert not year.whole.is_partial
    assert year.whole.value == pytest.approx(0.03)


def test_after_ruin_no_return_is_defined():
    time = at("2019-01-30", "2019-02-27", "2019-03-30")
    (year,) = monthly_returns(time, np.array([50.0, -10.0, -10.0]), 100.0)
    assert values(year.months[:3]) == [-0.5, -1.2, None]
    assert year.whole.value == pytest.approx(-1.1)


def test_one_bar():
    (year,) = monthly_returns(at("2019-05-05"), np.array([101.0]), 100.0)
    assert values(year.months) == [None] * 4 + [pytest.approx(0.01)] + [None] * 7
