import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrdr.data import from_iso, to_iso, to_minute
from ktrdr.errors import InputError


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2017-11-03", "2017-11-03T00:00:00Z"),
        ("2017-11-03 14:00", "2017-11-03T14:00:00Z"),
        (" 2017-11-03T14:00Z\n", "2017-11-03T14:00:00Z"),
        ("2017-11-03T14:00:00+02:00", "2017-11-03T12:00:00Z"),
        ("0001-01-01T00:00+12:00", "0000-12-31T12:00:00Z"),
        ("9999-12-31T23:00-12:00", "10000-01-01T11:00:00Z"),
    ],
)
def test_moments_are_read_as_utc(text, moment):
    assert to_iso(from_iso(text)) == moment


@pytest.mark.parametrize("text", ["yesterday", "", "2017-02-30", "2017-11-03T25:00"])
def test_text_that_is_no_moment_is_refused(text):
    with pytest.raises(InputError, match=f"not a time: {text!r}"):
        from_iso(text)


@given(st.integers(-(10**10), 10**11))
def test_moments_survive_being_written(seconds):
    moment = np.datetime64(seconds, "s").astype("datetime64[ms]")
    assert from_iso(to_iso(moment)) == moment


def test_people_read_them_to_the_minute():
    assert to_minute(np.datetime64("2020-01-06", "ms")) == "2020-01-06 00:00"
    assert to_minute(np.datetime64("2020-01-06T01:30:30", "ms")) == "2020-01-06 01:30"
