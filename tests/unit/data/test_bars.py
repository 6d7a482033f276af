import numpy as np
import pytest

from ktrdr.data import Bars, Timeframe
from ktrdr.errors import DataError, InputError
from tests.builders import bars_from_rows, random_bars


def test_bars_can_not_be_written_to():
    bars = random_bars(3)

    with pytest.raises(ValueError, match="read-only"):
        bars.close[0] = 1.0


def test_bars_do_not_share_the_arrays_they_are_made_of():
    closes = np.array([1.0, 1.0])
    bars = Bars(
        symbol="A",
        timeframe=Timeframe.H1,
        time=np.array(["2020-01-01T00", "2020-01-01T01"], "datetime64[h]"),
        open=closes,
        high=closes,
        low=closes,
        close=closes,
        volume=closes,
    )
    closes[0] = 9.0

    assert bars.close[0] == 1.0


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([(1, 2, 1, 1), (1, 0.5, 0.5, 1)], "high below"),
        ([(1, 2, 1.5, 1)], "low above"),
        ([(1, 2, 0, 1)], "not finite and above 0"),
        ([(-1, 2, -1, 1)], "not finite and above 0"),
        ([(1, np.inf, 1, 1)], "not finite and above 0"),
        ([(1, 2, np.nan, 1)], "not finite and above 0"),
    ],
)
def test_impossible_prices_are_refused(rows, problem):
    with pytest.raises(DataError, match=problem):
        bars_from_rows(rows)


@pytest.mark.parametrize("times", [["2020-01-02", "2020-01-01"], ["2020-01-01"] * 2])
def test_times_that_do_not_increase_are_refused(times):
    ones = np.ones(2)
    with pytest.raises(DataError, match="does not follow"):
        Bars(
            symbol="A",
            timeframe=Timeframe.D1,
            time=np.array(times, "datetime64[ms]"),
            open=ones,
            high=ones,
            low=ones,
            close=ones,
            volume=ones,
        )


def test_columns_of_other_length_are_refused():
    with pytest.raises(DataError, match="column close has shape"):
        Bars(
            symbol="A",
            timeframe=Timeframe.D1,
            time=np.array(["2020-01-01"], "datetime64[ms]"),
            open=np.ones(1),
            high=np.ones(1),
            low=np.ones(1),
            close=np.ones(2),
            volume=np.ones(1),
        )


def test_bar_is_known_at_its_close():
    bars = random_bars(2, timeframe=Timeframe.H4, start="2020-01-06T00:00")

    assert bars.close_time.tolist() == [
        np.datetime64("2020-01-06T04:00", "ms").item(),
        np.datetime64("2020-01-06T08:00", "ms").item(),
    ]


def test_between_takes_the_start_and_leaves_out_the_end():
    bars = random_bars(5, start="2020-01-06T00:00")
    start, end = np.datetime64("2020-01-06T01:00"), np.datetime64("2020-01-06T03:00")

    assert bars.between(start, end).time.tolist() == bars.time[1:3].tolist()
    assert len(bars.between(None, start)) == 1
    assert len(bars.between(end, None)) == 2


def test_timeframes_are_told_apart_by_name():
    assert Timeframe.parse("4h") is Timeframe.H4
    with pytest.raises(InputError, match="expected one of 1m, 5m"):
        Timeframe.parse("2h")


@pytest.mark.parametrize(
    ("timeframe", "moment", "opening"),
    [
        (Timeframe.M15, "2024-01-31T09:44:59.999", "2024-01-31T09:30"),
        (Timeframe.H4, "2024-01-31T09:44", "2024-01-31T08:00"),
        (Timeframe.D1, "2024-01-31T23:59", "2024-01-31"),
        # 31 January 2024 was a Wednesday.
        (Timeframe.W1, "2024-01-31T09:44", "2024-01-29"),
        (Timeframe.W1, "2024-01-29T00:00", "2024-01-29"),
        (Timeframe.W1, "2024-01-28T23:59", "2024-01-22"),
        (Timeframe.W1, "1969-12-31T00:00", "1969-12-29"),
    ],
)
def test_opening_of_the_bar_that_holds_a_moment(timeframe, moment, opening):
    found = timeframe.opening(np.array([moment], "datetime64[ms]"))

    assert found[0] == np.datetime64(opening, "ms")
