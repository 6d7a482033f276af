import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ktrdr.errors import KtrdrError
from ktrdr.indicators import (
    IndicatorUse,
    catalogue,
    check_use,
    compute_indicator,
    indicator_schema,
)
from tests.builders import random_bars
from tests.unit.indicators.uses import NAMES, default_use, random_uses


def _problems(**use: object) -> list[str]:
    return [str(problem) for problem in check_use(IndicatorUse.model_validate(use))]


def test_parameters_stand_beside_the_type():
    use = IndicatorUse.model_validate({"type": "rsi", "timeperiod": 9, "source": "hl2"})
    assert use == IndicatorUse(
        type="rsi", parameters={"timeperiod": 9, "source": "hl2"}
    )


def test_kinds_of_numbers_are_kept():
    use = IndicatorUse.model_validate({"type": "x", "a": 1, "b": 1.0, "c": "1"})
    assert [type(value) for value in use.parameters.values()] == [int, float, str]


def test_use_survives_json_in_both_forms():
    for use in (use for name in NAMES for use in random_uses(name, 3)):
        dumped = use.model_dump(mode="json")
        assert IndicatorUse.model_validate(json.loads(json.dumps(dumped))) == use
        assert IndicatorUse.model_validate_json(use.model_dump_json()) == use
        inline = {"type": use.type, **use.parameters}
        assert IndicatorUse.model_validate(inline) == use


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"timeperiod": 14}, "Field required"),
        ({"type": "rsi", "timeperiod": True}, "a number or a word"),
        ({"type": "rsi", "timeperiod": None}, "a number or a word"),
        ({"type": "rsi", "timeperiod": [14]}, "a number or a word"),
        ({"type": "rsi", "timeperiod": math.nan}, "of reasonable size"),
        ({"type": "rsi", "timeperiod": math.inf}, "of reasonable size"),
        ({"type": "rsi", "timeperiod": 10**5000}, "of reasonable size"),
        ({"type": "rsi", "source": "c" * 65}, "at most 64 characters"),
        ({"type": "rsi", 14: "timeperiod"}, "valid string"),
        ({"type": "r" * 65}, "at most 64 characters"),
        ({"type": 7}, "valid string"),
        (
            {"type": "rsi", "parameters": {"timeperiod": 9}, "source": "hl2"},
            "not in both",
        ),
        ({"type": "rsi", **{f"p{i}": i for i in range(65)}}, "at most 64 items"),
        ("rsi", "IndicatorUse"),
    ],
)
def test_what_is_no_use_of_an_indicator_is_refused(data, message):
    with pytest.raises(ValidationError, match=message):
        IndicatorUse.model_validate(data)


def test_defaults_have_no_problems():
    for name in NAMES:
        assert check_use(default_use(name)) == []


def test_unknown_type_names_the_nearest():
    (problem,) = check_use(IndicatorUse(type="mcad"))
    assert (problem.key, problem.message) == ("type", "unknown indicator 'mcad'")
    assert problem.hint is not None
    assert problem.hint.startswith("did you mean macd or ")


def test_unknown_parameter_names_the_nearest():
    assert _problems(type="rsi", time_period=14) == [
        "time_period: rsi has no parameter 'time_period'; it takes timeperiod, source "
        "(did you mean timeperiod?)"
    ]


def test_indicator_without_parameters_says_so():
    (problem,) = _problems(type="bop", timeperiod=14)
    assert "it takes no parameters" in problem


def test_all_problems_are_told_at_once():
    problems = _problems(type="bbands", timeperiod=0, nbdevup="x", matype="smaa", foo=1)
    assert [problem.split(":")[0] for problem in problems] == [
        *("timeperiod", "nbdevup", "matype", "foo"),
    ]


def test_value_out_of_bounds_is_told_with_the_bounds():
    assert _problems(type="rsi", timeperiod=1) == [
        "timeperiod: found 1, expected a whole number from 2 to 10000"
    ]
    assert _problems(type="mama", fastlimit=2.0) == [
        "fastlimit: found 2.0, expected a number from 0.01 to 0.99"
    ]


def test_fraction_where_a_whole_number_belongs_is_refused_with_a_hint():
    assert _problems(type="rsi", timeperiod=14.0) == [
        "timeperiod: found 14.0, expected a whole number from 2 to 10000 (write 14)"
    ]


def test_wrong_choice_names_the_nearest():
    (problem,) = _problems(type="ma", matype="EMA")
    assert (
        problem.endswith("(did you mean ema or dema?)") or "did you mean ema" in problem
    )


@pytest.mark.parametrize(
    ("parameters", "is_valid"),
    [
        ({"type": "macd", "fastperiod": 26, "slowperiod": 26}, False),
        ({"type": "macd", "fastperiod": 25, "slowperiod": 26}, True),
        ({"type": "macd", "fastperiod": 30}, False),
        ({"type": "mavp", "minperiod": 31}, False),
        ({"type": "mavp", "minperiod": 30}, True),
        ({"type": "mama", "slowlimit": 0.6}, False),
        ({"type": "sar", "acceleration": 0.3}, False),
        ({"type": "sar", "acceleration": 0.2}, True),
        ({"type": "smi", "fastperiod": 25, "slowperiod": 2}, True),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(parameters, is_valid):
    assert (_problems(**parameters) == []) == is_valid


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
_KEYS = sorted({key for one in catalogue().values() for key in one.defaults})


@given(
    st.dictionaries(
        st.sampled_from(["type", "parameters", *_KEYS]) | st.text(), _ANYTHING
    )
    | _ANYTHING
)
@settings(max_examples=100, deadline=None)
def test_no_input_breaks_the_reading_of_a_use(data):
    try:
        use = IndicatorUse.model_validate(data)
    except ValidationError:
        return
    assert isinstance(check_use(use), list)


_BARS = random_bars(120)
_VALUES = (
    st.integers(-5, 200)
    | st.floats(-10, 200)
    | st.sampled_from(["close", "volume", "ema", "kama", "nothing"])
)


@given(
    st.sampled_from(NAMES), st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=4)
)
@settings(max_examples=300, deadline=None)
def test_what_has_no_problem_can_be_computed_and_nothing_else(name, parameters):
    known = {
        key: value
        for key, value in parameters.items()
        if key in catalogue()[name].defaults
    }
    use = IndicatorUse(type=name, parameters=known)
    if check_use(use):
        with pytest.raises(KtrdrError):
            compute_indicator(use, _BARS)
    else:
        assert len(compute_indicator(use, _BARS)) == len(catalogue()[name].outputs)


def _is_allowed(value: Any, schema: dict[str, Any]) -> bool:
    if "enum" in schema:
        return value in schema["enum"]
    is_kind = isinstance(value, int) or schema["type"] == "number"
    return bool(is_kind and schema["minimum"] <= value <= schema["maximum"])


def test_schema_allows_every_valid_use():
    properties: Any = indicator_schema()["properties"]
    for use in (use for name in NAMES for use in random_uses(name, 5)):
        assert use.type in properties["type"]["enum"]
        for key, value in use.parameters.items():
            assert _is_allowed(value, properties[key]), (use, key)


def test_schema_is_that_of_a_use_in_a_file():
    assert IndicatorUse.model_json_schema() == indicator_schema()
    assert len(json.dumps(indicator_schema())) < 20_000
