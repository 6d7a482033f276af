"""What unquoted words of a file mean."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrdr.strategy.scalars import ScalarError, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("FALSE", False),
        ("0", 0),
        ("-12", -12),
        ("+7", 7),
        ("010", 10),
        ("999999999999999999", 999999999999999999),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("-2.5E-3", -0.0025),
        # Numbers, booleans or dates in YAML 1.1, text since.
        ("yes", "yes"),
        ("on", "on"),
        ("No", "No"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("1:30", "1:30"),
        ("2017-01-01", "2017-01-01"),
        ("1h", "1h"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("e5", "e5"),
        (".", "."),
        ("١٢", "١٢"),
    ],
)
def test_meaning(text, value):
    resolved = resolve(text)
    assert resolved == value
    assert type(resolved) is type(value)


@pytest.mark.parametrize(
    "text", [".inf", "-.Inf", "+.INF", ".nan", ".NaN", "1e999", "-1e400", "1" * 19]
)
def test_numbers_that_can_not_be_used_are_refused(text):
    with pytest.raises(ScalarError):
        resolve(text)


@pytest.mark.parametrize("text", ["9" * 1_000_000, "0." + "1" * 1_000_000])
def test_a_million_digits_are_told_by_their_number(text):
    with pytest.raises(ScalarError, match="characters"):
        resolve(text)


@given(st.text())
@settings(deadline=None)
def test_any_text_is_a_finite_value_or_refused(text):
    try:
        value = resolve(text)
    except ScalarError:
        return
    assert value is None or isinstance(value, str | bool | int | float)
    assert not isinstance(value, float) or math.isfinite(value)
    assert not isinstance(value, str) or value == text


@given(st.integers(-(10**18) + 1, 10**18 - 1))
@settings(deadline=None)
def test_whole_numbers_come_back(number):
    assert resolve(str(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(deadline=None)
def test_numbers_come_back(number):
    assert resolve(repr(number)) == number
