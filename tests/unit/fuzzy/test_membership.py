"""Membership functions against obvious twins, at their corners and far out."""

import math
import warnings
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ktrdr.fuzzy import PARAMETER_NAMES, MembershipFunction

numbers = st.floats(-1e100, 1e100)
modest = st.floats(-1e6, 1e6)
anything = st.floats(allow_nan=True, allow_infinity=True)


def twin(kind: str, p: Sequence[float], x: float) -> float:
    """The definitions, one value at a time."""
    match kind:
        case "triangular":
            return trapezoid(p[0], p[1], p[1], p[2], x)
        case "trapezoidal":
            return trapezoid(p[0], p[1], p[2], p[3], x)
        case "gaussian":
            return math.exp(-((x - p[0]) ** 2) / p[1] ** 2 / 2)
        case "generalized_bell":
            return 1 / (1 + math.pow(abs((x - p[2]) / p[0]), 2 * p[1]))
        case "sigmoid":
            z = p[0] * (x - p[1])
            return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))
        case "linear_z":
            return 1 - min(max((x - p[0]) / (p[1] - p[0]), 0), 1)
        case _:
            return min(max((x - p[0]) / (p[1] - p[0]), 0), 1)


def trapezoid(a: float, b: float, c: float, d: float, x: float) -> float:
    if b <= x <= c:
        return 1.0
    if x <= a or x >= d:
        return 0.0
    return (x - a) / (b - a) if x < b else (d - x) / (d - c)


@st.composite
def functions(draw, values=numbers):
    kind = draw(st.sampled_from(sorted(PARAMETER_NAMES)))
    n_parameters = len(PARAMETER_NAMES[kind])
    parameters = [draw(values) for _ in range(n_parameters)]
    if kind in ("triangular", "trapezoidal", "linear_z", "linear_s"):
        parameters.sort()
    try:
        return MembershipFunction(type=kind, parameters=tuple(parameters))
    except ValidationError:
        assume(False)


@given(functions(), st.lists(anything, max_size=8))
@settings(deadline=None)
def test_degrees_lie_from_0_to_1_and_nan_stays_nan(function, values):
    x = np.array(values, dtype=np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        degrees = function(x)
    assert degrees.shape == x.shape
    np.testing.assert_array_equal(np.isnan(degrees), np.isnan(x))
    known = degrees[~np.isnan(degrees)]
    assert ((known >= 0) & (known <= 1)).all()


# Sizes at which the twin's own arithmetic does not overflow.
@given(functions(st.floats(-50, 50)), st.floats(-100, 100))
@settings(deadline=None)
def test_equals_the_definition(function, x):
    assume(_is_well_conditioned(function))
    expected = twin(function.type, function.parameters, x)
    assert function(np.array([x]))[0] == pytest.approx(expected, abs=1e-9)


def _is_well_conditioned(function: MembershipFunction) -> bool:
    widths = np.abs(np.diff(function.parameters))
    if function.type in ("gaussian", "sigmoid", "generalized_bell"):
        return bool(np.abs(function.parameters[:2]).min() > 0.1) and (
            function.type != "sigmoid" or abs(function.parameters[0]) < 5
        )
    return bool((widths[widths > 0] > 1e-3).all())


@pytest.mark.parametrize(
    ("kind", "parameters", "degrees"),
    [
        ("triangular", (0, 1, 3), {-1: 0, 0: 0, 0.5: 0.5, 1: 1, 2: 0.5, 3: 0, 9: 0}),
        ("triangular", (0, 0, 2), {-0.001: 0, 0: 1, 1: 0.5, 2: 0}),
        ("triangular", (0, 2, 2), {0: 0, 1: 0.5, 2: 1, 2.001: 0}),
        ("trapezoidal", (0, 1, 2, 4), {0: 0, 0.5: 0.5, 1: 1, 1.7: 1, 2: 1, 3: 0.5}),
        ("trapezoidal", (0, 0, 2, 2), {-0.001: 0, 0: 1, 1: 1, 2: 1, 2.001: 0}),
        ("gaussian", (5, 2), {5: 1, 7: math.exp(-0.5), 3: math.exp(-0.5)}),
        ("generalized_bell", (2, 3, 5), {5: 1, 7: 0.5, 3: 0.5}),
        ("sigmoid", (4, 1), {1: 0.5, 1 + math.log(3) / 4: 0.75, -99: 0, 99: 1}),
        ("sigmoid", (-4, 1), {1: 0.5, 99: 0}),
        ("linear_z", (1, 3), {0: 1, 1: 1, 2: 0.5, 3: 0, 4: 0}),
        ("linear_s", (1, 3), {0: 0, 1: 0, 2: 0.5, 3: 1, 4: 1}),
    ],
)
def test_known_degrees(kind, parameters, degrees):
    function = MembershipFunction(type=kind, parameters=parameters)
    x = np.array(list(degrees), dtype=np.float64)
    np.testing.assert_allclose(function(x), list(degrees.values()), atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "at_minus_infinity", "at_infinity"),
    [
        ("triangular", 0, 0),
        ("trapezoidal", 0, 0),
        ("gaussian", 0, 0),
        ("generalized_bell", 0, 0),
        ("sigmoid", 0, 1),
        ("linear_z", 1, 0),
        ("linear_s", 0, 1),
    ],
)
def test_infinite_values_have_the_degree_of_the_limit(
    kind, at_minus_infinity, at_infinity
):
    n_parameters = len(PARAMETER_NAMES[kind])
    function = MembershipFunction(
        type=kind, parameters=tuple(float(i + 1) for i in range(n_parameters))
    )
    degrees = function(np.array([-np.inf, np.inf]))
    assert degrees.tolist() == [at_minus_infinity, at_infinity]


@pytest.mark.parametrize(
    ("kind", "parameters", "told"),
    [
        ("triangular", (1, 2), r"3 parameters \(a, b, c\), found 2"),
        ("triangular", (1, 3, 2), "a <= b <= c and a < c; found 1, 3, 2"),
        ("triangular", (1, 1, 1), "a < c"),
        ("trapezoidal", (1, 2, 3), "4 parameters"),
        ("trapezoidal", (4, 3, 2, 1), "a <= b <= c <= d and a < d"),
        ("trapezoidal", (1, 1, 1, 1), "a < d"),
        ("gaussian", (0, 0), "sigma > 0"),
        ("gaussian", (0, -1), "sigma > 0"),
        ("generalized_bell", (0, 1, 0), "width a > 0 and slope b > 0"),
        ("generalized_bell", (1, 0, 0), "width a > 0 and slope b > 0"),
        ("sigmoid", (0, 1), "slope that is not 0"),
        ("linear_z", (1, 1), "a < b"),
        ("linear_s", (2, 1), "a < b"),
        ("linear_s", (), "found 0"),
    ],
)
def test_impossible_parameters_are_refused_and_named(kind, parameters, told):
    with pytest.raises(ValidationError, match=told):
        MembershipFunction(type=kind, parameters=parameters)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 1e101, "1", True])
def test_a_parameter_is_a_number_of_ordinary_size(value):
    with pytest.raises(ValidationError):
        MembershipFunction(type="gaussian", parameters=(value, 1.0))


@given(functions())
@settings(deadline=None)
def test_round_trips_through_json(function):
    again = MembershipFunction.model_validate_json(function.model_dump_json())
    assert again == function


@given(functions(modest), st.lists(modest, min_size=4, max_size=4))
@settings(deadline=None)
def test_takes_any_shape_and_leaves_its_input_alone(function, values):
    x = np.array(values)
    before = x.copy()
    np.testing.assert_array_equal(function(x.reshape(2, 2)).ravel(), function(x))
    np.testing.assert_array_equal(x, before)
