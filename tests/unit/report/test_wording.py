import math

import numpy as np
import pytest

from ktrdr.report import wording

THIN = "\u202f"
MINUS = "\u2212"


@pytest.mark.parametrize(
    ("value", "digits", "signed", "expected"),
    [
        (1234567.891, 2, False, f"1{THIN}234{THIN}567.89"),
        (-1234.5, 1, False, f"{MINUS}1{THIN}234.5"),
        (12.0, 0, True, "+12"),
        (-0.001, 2, True, "0.00"),
        (0.0, 2, True, "0.00"),
        (math.nan, 2, False, "not defined"),
        (math.inf, 2, False, "not defined"),
    ],
)
def test_numbers_have_thin_spaces_and_a_true_minus(value, digits, signed, expected):
    assert wording.number(value, digits, signed=signed) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (-0.0321, "3.2"),
        (0.0756, "7.6"),
        (0.1234, "12.3"),
        (0.00123, "0.12"),
        (0.0000123, "0.0012"),
        (0.0, "0"),
        (25.0, f"2{THIN}500"),
    ],
)
def test_rough_percent_says_the_size_in_few_digits(value, expected):
    assert wording.rough_percent(value) == f"{expected}{THIN}%"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (12_345_678, f"12.35{THIN}M"),
        (3.2e9, f"3.20{THIN}G"),
        (123.456, "123.5"),
        (0.00012345, "0.0001234"),
        (-2e-8, f"{MINUS}2.00e{MINUS}08"),
    ],
)
def test_compact_fits_any_size(value, expected):
    assert wording.compact(value) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, f"0{THIN}s"),
        (59, f"59{THIN}s"),
        (3600, f"1{THIN}h"),
        (93_784, f"1{THIN}d 2{THIN}h"),
        (3_660, f"1{THIN}h 1{THIN}min"),
    ],
)
def test_durations_name_their_two_largest_units(seconds, expected):
    assert wording.duration(seconds) == expected


def test_prices_of_any_size_get_about_six_digits():
    sizes = [0.00001234, 1.1234, 123.4, 54_321.0]
    assert [wording.price_decimals(np.array([size])) for size in sizes] == [
        10,
        5,
        3,
        2,
    ]
    assert wording.price_decimals(np.array([])) == 2


def test_plain_replaces_what_xml_may_not_hold_or_what_reverses_text():
    hostile = "a\x00b\x1bc\u202ed\ud800e\n\tf\u202f%"
    assert wording.plain(hostile) == "a\ufffdb\ufffdc\ufffdd\ufffde\n\tf\u202f%"


def test_plurals():
    assert wording.plural(1, "trade") == "1 trade"
    assert wording.plural(2000, "trade") == f"2{THIN}000 trades"
