from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrdr.data.files.parsing import epoch_stamps, parse_stamps
from ktrdr.data.files.stamps import Stamps
from ktrdr.data.files.times import to_utc
from ktrdr.errors import DataError, InputError


def parse(*texts, time_format=None):
    stamps = np.array([text.encode() for text in texts])
    return parse_stamps(stamps, np.arange(2, len(texts) + 2), time_format)


def utc(*texts, zone=None, time_format=None):
    rows = np.arange(2, len(texts) + 2)
    ms = to_utc(parse(*texts, time_format=time_format), rows, zone).ms
    return [str(each)[:16] for each in ms.astype("datetime64[ms]")]


FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M",
    "%Y.%m.%d %H:%M",
    "%Y/%m/%d %H:%M:%S.%f",
    "%d.%m.%Y %H:%M:%S",
    "%Y%m%d %H%M%S",
    "%Y%m%d  %H:%M:%S",
    "%Y%m%d-%H:%M:%S",
    "%Y%m%d%H%M%S",
    "%Y-%m-%d",
    "%Y%m%d",
    "%d-%b-%Y %H:%M",
    "%b %d, %Y",
    "%Y-%m-%d %I:%M:%S %p",
)
moments = st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1))


@pytest.mark.parametrize("time_format", FORMATS)
@given(found=st.lists(moments, min_size=1, max_size=20))
@settings(deadline=None, max_examples=30)
def test_written_times_are_read_as_strptime_reads_them(time_format, found):
    texts = [moment.strftime(time_format) for moment in found]
    expected = [datetime.strptime(text, time_format) for text in texts]

    local_ms = parse(*texts).local_ms

    expected_ms = np.array(expected, "datetime64[us]").astype("datetime64[ms]")
    assert local_ms.tolist() == expected_ms.astype(np.int64).tolist()
    assert parse(*texts, time_format=time_format).local_ms.tolist() == local_ms.tolist()


@given(st.lists(moments, min_size=1, max_size=20))
@settings(deadline=None)
def test_unpadded_numbers_are_read_too(found):
    texts = [
        f"{moment.year}-{moment.month}-{moment.day} {moment.hour}:{moment:%M}"
        for moment in found
    ]

    expected = np.array(found, "datetime64[m]").astype("datetime64[ms]")
    assert parse(*texts).local_ms.tolist() == expected.astype(np.int64).tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-02T09:30:00Z", "2024-01-02T09:30"),
        ("2024-01-02 09:30:00+00:00", "2024-01-02T09:30"),
        ("2024-01-02 09:30:00-05:00", "2024-01-02T14:30"),
        ("2024-01-02 09:30:00.123456+05:30", "2024-01-02T04:00"),
        ("2024-07-02 09:30 UTC", "2024-07-02T09:30"),
        ("02.01.2017 00:00:00.000 GMT+0100", "2017-01-01T23:00"),
        ("20240102 09:30:00 US/Eastern", "2024-01-02T14:30"),
        ("20240702 09:30:00 US/Eastern", "2024-07-02T13:30"),
        ("1704187800", "2024-01-02T09:30"),
        ("1704187800.0", "2024-01-02T09:30"),
        ("1704187800000", "2024-01-02T09:30"),
        ("1704187800000000", "2024-01-02T09:30"),
        ("1704187800000000000", "2024-01-02T09:30"),
    ],
)
def test_times_that_tell_their_zone(text, expected):
    assert utc(text) == [expected]
    with pytest.raises(InputError, match="not needed"):
        utc(text, zone="Europe/Berlin")


def test_offsets_may_change_within_a_file():
    winter, summer = "2024-03-09 09:30:00-05:00", "2024-03-11 09:30:00-04:00"

    assert utc(winter, summer) == ["2024-03-09T14:30", "2024-03-11T13:30"]


@pytest.mark.parametrize(
    ("texts", "first"),
    [
        (("13/02/2024", "01/02/2024"), "2024-02-13T00:00"),
        (("01/13/2024", "02/01/2024"), "2024-01-13T00:00"),
        (("1-2-2024 09:30", "31-2-2024 9:30"), None),
        (("1-2-2024 09:30", "31-1-2024 9:30"), "2024-02-01T09:30"),
    ],
)
def test_day_and_month_are_told_apart_where_the_data_prove_it(texts, first):
    if first is None:
        with pytest.raises(DataError, match="no such day"):
            utc(*texts)
    else:
        assert utc(*texts)[0] == first


def test_day_and_month_that_can_not_be_told_apart_are_asked_for():
    texts = ("01/02/2024 10:00", "02/02/2024 10:00")
    with pytest.raises(DataError, match=r"can't tell day from month.*--time-format"):
        parse(*texts)

    assert utc(*texts, time_format="%d/%m/%Y %H:%M")[0] == "2024-02-01T10:00"
    assert utc(*texts, time_format="%m/%d/%Y %H:%M")[0] == "2024-01-02T10:00"


def test_dates_in_both_orders_are_refused():
    with pytest.raises(DataError, match="day first and others the month"):
        parse("13/02/2024", "02/13/2024")


def test_dots_mean_day_first():
    assert utc("01.02.2024 10:00") == ["2024-02-01T10:00"]


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (("2024-13-01",), "row 2: '2024-13-01' has no month"),
        (("2024-01-01", "2024-02-30"), "row 3: '2024-02-30' has no such day"),
        (("2023-02-29",), "no such day"),
        (("2024-01-00",), "no such day"),
        (("2024-01-01 25:00",), "no time of day"),
        (("2024-01-01 10:60",), "no time of day"),
        (("2024-01-01 13:00 PM",), "hour from 1 to 12"),
        (("yesterday",), "row 2: 'yesterday' is no time that is known"),
        (("09:30",), "no time that is known"),
        (("01-Foo-2024",), "'Foo' is no month"),
        (("1704187800", "1704187800000"), "more than one unit, s and ms"),
        (("1704187800", "abc"), "row 3: 'abc' is no epoch"),
        (("2024-01-01 10:00", "2024-01-01 10:00Z"), "another or none"),
        (("20240102 10:00 US/Eastern", "20240102 10:00 Asia/Tokyo"), "another or none"),
        (("9999999999",), "outside 1900 to 2199"),
        (("0001-01-01",), "outside 1900 to 2199"),
        (("9" * 19,), "outside 1900 to 2199"),
    ],
)
def test_what_is_no_time_is_refused_with_its_row(texts, problem):
    with pytest.raises(DataError, match=problem):
        parse(*texts)


def test_too_many_ways_of_writing_are_refused():
    texts = [f"2024-01-0{1 + i % 9} 10:00 {'x' * (i + 1)}" for i in range(300)]
    with pytest.raises(DataError, match="300 different ways"):
        parse(*texts)


@pytest.mark.parametrize("time_format", ["", "iso", "Y-m-d"])
def test_what_is_no_format_is_refused(time_format):
    with pytest.raises(InputError, match="expected s, ms, us or ns"):
        parse("2024-01-01", time_format=time_format)


def test_format_that_does_not_fit_names_the_row():
    with pytest.raises(DataError, match="row 3: --time-format does not fit"):
        parse("2024-01-01", "2024", time_format="%Y-%m-%d")


def test_unit_of_an_epoch_may_be_given():
    assert utc("0", "86400", time_format="s") == [
        "1970-01-01T00:00",
        "1970-01-02T00:00",
    ]


def test_units_of_epochs_are_told_by_size_alone_when_they_agree():
    assert epoch_stamps(np.array([1e9, 2e9])).format == "epoch in s"
    assert epoch_stamps(np.array([1e12, 2e12])).format == "epoch in ms"


def test_times_without_zone_are_utc_and_that_is_said():
    times = to_utc(parse("2024-01-01 10:00"), np.array([2]), None)

    assert times.zone == "UTC, assumed"
    assert "taken as UTC" in (times.note or "")


def test_zone_that_is_given_applies_on_both_sides_of_a_clock_change():
    texts = ("2024-03-08 09:30", "2024-03-11 09:30")

    assert utc(*texts, zone="America/New_York") == [
        "2024-03-08T14:30",
        "2024-03-11T13:30",
    ]


def test_dates_stay_at_midnight_utc_and_a_zone_for_them_is_refused():
    assert utc("2024-01-01", "2024-01-02") == ["2024-01-01T00:00", "2024-01-02T00:00"]
    with pytest.raises(InputError, match="without a time of day"):
        utc("2024-01-01", zone="America/New_York")


def test_time_that_never_was_is_refused_with_its_row():
    with pytest.raises(DataError, match=r"row 3: 2024-03-10T02:30:00 never was in"):
        utc("2024-03-10 01:30", "2024-03-10 02:30", zone="America/New_York")


def test_hour_shown_twice_is_told_by_the_order_of_rows():
    start = datetime(2024, 11, 3, 0, 0)
    clock = [start + timedelta(minutes=30 * i) for i in range(4)]
    clock += [start + timedelta(minutes=30 * i) for i in range(2, 8)]
    texts = [f"{moment:%Y-%m-%d %H:%M}" for moment in clock]

    found = utc(*texts, zone="America/New_York")

    first = datetime(2024, 11, 3, 4, 0)
    expected = [first + timedelta(minutes=30 * i) for i in range(10)]
    assert found == [f"{moment:%Y-%m-%dT%H:%M}" for moment in expected]


def test_hour_shown_twice_is_refused_when_the_order_does_not_tell():
    with pytest.raises(DataError, match=r"row 3: 2024-11-03T01:00:00 was twice"):
        utc("2024-11-03 00:00", "2024-11-03 01:00", zone="America/New_York")
    with pytest.raises(DataError, match="was twice"):
        utc("20241103 01:30:00 US/Eastern")


def test_unknown_zones_in_a_file_are_refused():
    with pytest.raises(InputError, match="unknown time zone"):
        utc("20240102 09:30:00 Mars/Olympus")


@given(st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=10))
@settings(deadline=None, max_examples=300)
def test_any_bytes_give_times_or_a_clear_error(found):
    stamps = np.array([bytes(b & 0x7F or 0x20 for b in one) for one in found])
    try:
        parsed = parse_stamps(stamps, np.arange(len(stamps)))
    except (DataError, InputError):
        return
    assert isinstance(parsed, Stamps)
    assert len(parsed.local_ms) == len(stamps)
