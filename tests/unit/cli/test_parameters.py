"""What ``--set`` and ``--range`` of a sweep mean."""

import pytest

from ktrdr.cli.parameters import parse_overrides, parse_parameters
from ktrdr.errors import InputError


def values(text):
    (parameter,) = parse_parameters([f"a.b={text}"], [])
    assert parameter.path == "a.b"
    return parameter.values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.002,0.004, 0.008", (0.002, 0.004, 0.008)),
        ("1e-3", (0.001,)),
        ("true,false,null,no", (True, False, None, "no")),
        ("sma,ema", ("sma", "ema")),
        ("'a,b',c", ("a,b", "c")),
        ("7..10", (7, 8, 9, 10)),
        ("7..21..7", (7, 14, 21)),
        ("7..20..7", (7, 14)),
        ("0.1..0.5..0.1", (0.1, 0.2, 0.3, 0.4, 0.5)),
        ("-1..1", (-1, 0, 1)),
        ("1..2,9", (1, 2, 9)),
        ("3..3", (3,)),
    ],
)
def test_values_are_yaml_scalars_and_steps(text, expected):
    found = values(text)
    assert found == expected
    assert [type(one) for one in found] == [type(one) for one in expected]


def test_intervals():
    (parameter,) = parse_parameters([], ["a.b=0.001:0.02:log"])
    assert (parameter.low, parameter.high) == (0.001, 0.02)
    assert (parameter.is_log, parameter.is_integer) == (True, False)
    (parameter,) = parse_parameters([], ["a.b=5:50:int:log"])
    assert (parameter.is_log, parameter.is_integer) == (True, True)


@pytest.mark.parametrize(
    ("sets", "ranges", "said"),
    [
        ([], [], "nothing to vary"),
        (["a.b"], [], "expected such as --set"),
        (["=1"], [], "expected such as --set"),
        (["a=1", "a=2"], [], "a: give all its values in one --set"),
        (["a=1,1"], [], "each once"),
        (["a=5..1"], [], "upwards"),
        (["a=1..5..0"], [], "greater than 0"),
        (["a=1..1000000"], [], "more than 10,000 values"),
        (["a=1..x"], [], "'x' is no number"),
        (["a=1..inf"], [], "no number of a usual size"),
        (["a=0..1e99999999"], [], "no number of a usual size"),
        (["a=0..1..1e-99"], [], "more than 10,000 values"),
        (["a=1..2..3..4"], [], "a range is such as"),
        (["a=12345678901234567890"], [], "digits"),
        ([], ["a=1"], "'' is no number"),
        ([], ["a=2:1"], "low must be less than high"),
        ([], ["a=0:1:log"], "logarithm"),
        ([], ["a=0:1:square"], "log and int alone"),
    ],
)
def test_what_cannot_be_understood_is_told(sets, ranges, said):
    with pytest.raises(InputError, match=said):
        parse_parameters(sets, ranges)


def test_a_backtest_takes_one_value_a_path():
    assert parse_overrides([]) == {}
    assert parse_overrides(["a.b=0.5", "c.d=true"]) == {"a.b": 0.5, "c.d": True}
    with pytest.raises(InputError, match=r"a\.b: a backtest takes one value"):
        parse_overrides(["a.b=0.5,0.6"])
