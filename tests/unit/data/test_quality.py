import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrdr.data import (
    COLUMNS,
    Columns,
    Fault,
    Notice,
    Timeframe,
    calendar_named,
    check_quality,
    repair,
    sample_bars,
)
from ktrdr.errors import DataError
from tests.builders import random_bars

NOW = np.datetime64("2026-01-01", "ms")
OK = (10.0, 12.0, 9.0, 11.0, 100.0)


def columns_of(*rows):
    """Columns from (time, open, high, low, close, volume) or a time alone."""
    full = [row if isinstance(row, tuple) else (row, *OK) for row in rows]
    values = np.array([row[1:] for row in full], dtype=np.float64).reshape(-1, 5)
    return Columns(
        row=np.arange(2, len(full) + 2),
        time=np.array([row[0] for row in full], "datetime64[ms]"),
        **{name: values[:, at] for at, name in enumerate(COLUMNS)},
    )


def check(columns, timeframe):
    always = calendar_named("24/7")
    return check_quality(columns, "TEST", timeframe, calendar=always, now=NOW)


def faults(columns, timeframe=Timeframe.H1):
    report = check(columns, timeframe)
    return {one.kind: (columns.row[one.positions].tolist()) for one in report.faults}


def notices(columns, timeframe=Timeframe.H1):
    report = check(columns, timeframe)
    return {one.kind: columns.row[one.positions].tolist() for one in report.notices}


def hours(*numbers):
    return [f"2024-01-02T{number:02}:00" for number in numbers]


def test_sample_set_has_no_faults_and_only_closed_times_as_gaps():
    bars = sample_bars()
    report = check_quality(Columns.of_bars(bars), "EURUSD", bars.timeframe, now=NOW)

    assert report.faults == ()
    assert report.calendar == "fx"
    assert report.counts() == {
        "gaps, closed": 50,
        "gaps, holiday": 2,
        "bars missing, holiday": 15,
    }


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ((10, 12, 9, np.nan, 1), Fault.MISSING_PRICE),
        ((0, 12, 9, 11, 1), Fault.BAD_PRICE),
        ((-10, 12, 9, 11, 1), Fault.BAD_PRICE),
        ((10, np.inf, 9, 11, 1), Fault.BAD_PRICE),
        ((10, 10.5, 9, 11, 1), Fault.IMPOSSIBLE_RANGE),
        ((10, 12, 10.5, 11, 1), Fault.IMPOSSIBLE_RANGE),
        ((10, 8, 9, 8.5, 1), Fault.IMPOSSIBLE_RANGE),
        ((10, 12, 9, 11, -1), Fault.BAD_VOLUME),
        ((10, 12, 9, 11, np.nan), Fault.BAD_VOLUME),
        ((10, 12, 9, 11, np.inf), Fault.BAD_VOLUME),
    ],
)
def test_each_fault_of_values_is_found_in_its_row(values, fault):
    first, second, third = hours(1, 2, 3)

    assert faults(columns_of(first, (second, *values), third)) == {fault: [3]}


def test_each_fault_of_order_is_found_in_its_row():
    one, two, three, four = hours(1, 2, 3, 4)

    assert faults(columns_of(one, three, two, four)) == {Fault.DISORDER: [4]}
    assert faults(columns_of(one, two, two, three)) == {Fault.DUPLICATE: [4]}
    other = (two, 10, 12, 9, 10.5, 100)
    assert faults(columns_of(one, two, other, three)) == {Fault.CONFLICT: [4]}
    assert faults(columns_of(one, two, three, two)) == {
        Fault.DISORDER: [5],
        Fault.DUPLICATE: [5],
    }


def test_bar_within_another_is_a_fault():
    columns = columns_of(*hours(1, 2, 3), "2024-01-02T03:30", *hours(4, 5))

    assert faults(columns) == {Fault.OVERLAP: [5, 6]}


def test_short_first_bar_of_a_session_is_harmless():
    # Interactive Brokers: 9:30, 10:00, 11:00 in New York.
    columns = columns_of(
        "2024-01-02T14:30",
        *hours(15, 16, 17),
        "2024-01-03T14:30",
        "2024-01-03T15:00",
    )

    assert faults(columns) == {}
    assert notices(columns)[Notice.SHORT_BAR] == [3, 7]


def test_day_of_a_clock_change_is_harmless():
    columns = columns_of("2024-03-08T22:00", "2024-03-09T21:00", "2024-03-10T21:00")

    assert faults(columns, Timeframe.D1) == {}
    assert notices(columns, Timeframe.D1)[Notice.SHORT_BAR] == [3]


def test_the_future_is_a_fault_and_an_open_bar_a_notice():
    columns = columns_of("2025-12-31T22:30", "2025-12-31T23:30", "2026-01-01T00:30")

    assert faults(columns) == {Fault.FUTURE: [4]}
    assert notices(columns)[Notice.UNFINISHED] == [3]


def test_off_grid_times_and_zero_volumes_are_noticed():
    columns = columns_of("2024-01-02T09:30", ("2024-01-02T10:30", 10, 12, 9, 11, 0))

    assert faults(columns) == {}
    assert notices(columns) == {Notice.OFF_GRID: [2, 3], Notice.NO_VOLUME: [3]}


def test_finding_tells_rows_and_times():
    columns = columns_of(*hours(1, 3, 2), *(hours(4) * 7))
    report = check_quality(columns, "TEST", Timeframe.H1, now=NOW)

    assert str(report.faults[0]) == (
        "1 row: earlier than the row before: row 4 (2024-01-02T02:00:00)"
    )
    assert "6 rows: repeats another row: rows 6 (" in str(report.faults[1])
    assert str(report.faults[1]).endswith(", ...")


def test_gaps_are_found_though_rows_are_in_disorder():
    columns = columns_of(*hours(5, 1, 2))
    report = check_quality(
        columns, "TEST", Timeframe.H1, calendar=calendar_named("24/7"), now=NOW
    )

    assert report.gaps.missing("unexpected") == 2


def test_rows_that_lack_different_values_conflict():
    [time] = hours(1)
    whole, partial = (time, *OK), (time, 10, 12, 9, np.nan, 100)

    assert Fault.CONFLICT in faults(columns_of(whole, partial))
    assert Fault.DUPLICATE in faults(columns_of(partial, partial))


def test_years_without_known_holidays_are_said():
    columns = columns_of("2010-01-04", "2010-01-05")
    report = check_quality(
        columns, "TEST", Timeframe.D1, calendar=calendar_named("XETR"), now=NOW
    )

    assert report.calendar_reason == "as asked; its holidays are known from 2016 on"


def test_nothing_can_not_be_checked():
    with pytest.raises(DataError, match="no rows"):
        check_quality(columns_of(), "TEST", Timeframe.H1, now=NOW)


def kinds(changes):
    return [(change.kind, change.row) for change in changes]


def test_sound_data_are_left_alone():
    columns = Columns.of_bars(random_bars(100))

    repaired, changes = repair(columns, Timeframe.H1)

    assert changes == ()
    for name in ("row", "time", *COLUMNS):
        np.testing.assert_array_equal(getattr(repaired, name), getattr(columns, name))


def test_every_repair_is_named_with_before_and_after():
    one, two, three, four, five, six = hours(1, 2, 3, 4, 5, 6)
    columns = columns_of(
        one,
        three,
        two,
        two,
        (four, 10, 12, 9, np.nan, 1),
        (five, 10, 11, 9.5, 12, -5),
        (six, 10, 12, 10.5, 9, 1),
        (six, 10, 12, 10.5, 11, 1),
    )

    repaired, changes = repair(columns, Timeframe.H1)

    assert [str(change) for change in changes] == [
        "row 6 (2024-01-02T04:00:00.000): row without price removed",
        "row 4 (2024-01-02T02:00:00.000): row moved: 3 -> 2",
        "row 5 (2024-01-02T02:00:00.000): row moved: 4 -> 3",
        "row 5 (2024-01-02T02:00:00.000): duplicate removed",
        "row 8 (2024-01-02T06:00:00.000): conflicting row removed",
        "row 7 (2024-01-02T05:00:00.000): high raised: 11 -> 12",
        "row 9 (2024-01-02T06:00:00.000): low lowered: 10.5 -> 10",
        "row 7 (2024-01-02T05:00:00.000): volume set to zero: -5 -> 0",
    ]
    assert repaired.row.tolist() == [2, 4, 3, 7, 9]
    assert repaired.to_bars("TEST", Timeframe.H1).close.tolist() == [11, 11, 11, 12, 11]


def test_of_conflicting_rows_the_last_of_the_file_stays():
    [time] = hours(1)
    columns = columns_of((time, 1, 1, 1, 1, 1), (time, 2, 2, 2, 2, 2), (time, *OK))

    repaired, changes = repair(columns, Timeframe.H1)

    assert kinds(changes) == [
        ("conflicting_row_removed", 2),
        ("conflicting_row_removed", 3),
    ]
    assert repaired.close.tolist() == [11.0]


def test_missing_volume_becomes_zero_from_nothing():
    columns = columns_of((hours(1)[0], 10, 12, 9, 11, np.nan), *hours(2))

    [change] = repair(columns, Timeframe.H1)[1]

    assert (change.kind, change.before, change.after) == ("volume_set_to_zero", None, 0)


def test_single_bar_within_another_is_removed():
    columns = columns_of(*hours(1, 2, 3), "2024-01-02T03:30", *hours(4, 5))

    repaired, changes = repair(columns, Timeframe.H1)

    assert kinds(changes) == [("overlapping_row_removed", 5)]
    assert repaired.row.tolist() == [2, 3, 4, 6, 7]


def test_wrong_timeframe_is_not_repaired_away():
    columns = Columns.of_bars(random_bars(1000, timeframe=Timeframe.M1))

    with pytest.raises(DataError, match="give the right --timeframe"):
        repair(columns, Timeframe.H1)


def test_columns_taken_for_others_are_not_repaired_away():
    times = np.datetime64("2024-01-02T00", "h") + np.arange(120)
    swapped = [(at, 1.0, 0.9, 1.4, 1.2, 1.0) for at in times[:60]]
    sound = [(at, 1.0, 1.4, 0.9, 1.2, 1.0) for at in times[60:]]

    with pytest.raises(DataError, match=r"in 60 of 60 bars high is below .*--column"):
        repair(columns_of(*swapped), Timeframe.H1)

    _, changes = repair(columns_of(*swapped, *sound), Timeframe.H1)
    assert len(changes) == 120


def test_nothing_left_is_an_error():
    columns = columns_of((hours(1)[0], 0, 0, 0, 0, 0))

    with pytest.raises(DataError, match="nothing is left"):
        repair(columns, Timeframe.H1)


values = st.sampled_from([np.nan, -1.0, 0.0, 1.0, 2.0, 3.0, np.inf, -np.inf])
faulty_rows = st.lists(
    st.tuples(st.integers(0, 30), values, values, values, values, values),
    min_size=1,
    max_size=30,
)


@given(faulty_rows)
@settings(deadline=None, max_examples=300)
def test_repaired_data_make_bars_and_all_that_is_not_listed_is_as_it_was(rows):
    start = np.datetime64("2024-01-02T00:00", "ms")
    columns = columns_of(
        *((start + np.timedelta64(hour, "h"), *prices) for hour, *prices in rows)
    )
    try:
        repaired, changes = repair(columns, Timeframe.H1)
    except DataError:
        assert not any(
            np.isfinite(row[1:5]).all() and min(row[1:5]) > 0 for row in rows
        )
        return

    repaired.to_bars("TEST", Timeframe.H1)
    assert faults(repaired) == {}
    removed = {change.row for change in changes if change.kind.endswith("removed")}
    assert removed | set(repaired.row.tolist()) == set(columns.row.tolist())
    assert not removed & set(repaired.row.tolist())
    changed = {change.row for change in changes}
    for at, row in enumerate(repaired.row.tolist()):
        if row not in changed:
            source = columns[np.array([row - 2])]
            for name in ("time", *COLUMNS):
                assert getattr(source, name)[0] == getattr(repaired, name)[at]


@given(faulty_rows)
@settings(deadline=None, max_examples=100)
def test_check_and_repair_agree_on_what_is_sound(rows):
    start = np.datetime64("2024-01-02T00:00", "ms")
    columns = columns_of(
        *((start + np.timedelta64(hour, "h"), *prices) for hour, *prices in rows)
    )
    if faults(columns):
        return
    assert repair(columns, Timeframe.H1)[1] == ()
