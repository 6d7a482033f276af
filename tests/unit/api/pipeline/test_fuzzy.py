import numpy as np
import pytest

from ktrdr.models import fuzzy_inputs, load_bundle, save_bundle
from tests.unit.features.strategies import two_timeframes_text
from tests.unit.models.bundles import model

LOW = {"type": "linear_z", "parameters": [0, 10]}
HIGH = {"type": "linear_s", "parameters": [0, 10]}
TERMS = {"low": LOW, "high": HIGH}


@pytest.fixture
def bundle(store):
    ref = save_bundle(store, *model())
    return load_bundle(store, ref.digest)


def test_given_functions_are_drawn_where_they_change(post):
    (curve,) = post("/fuzzy/curves", {"memberships": TERMS, "n_points": 13})["curves"]
    assert (curve["values"][0], curve["values"][-1]) == (-1.0, 11.0)
    assert curve["degrees"]["low"][0] == 1.0
    sums = [sum(pair) for pair in zip(*curve["degrees"].values(), strict=True)]
    assert sums == pytest.approx([1.0] * 13)


def test_range_may_be_given(post):
    asked = {"memberships": TERMS, "n_points": 3, "low": 0, "high": 10}
    (curve,) = post("/fuzzy/curves", asked)["curves"]
    assert curve["values"] == [0.0, 5.0, 10.0]
    assert curve["degrees"]["high"] == [0.0, 0.5, 1.0]


def test_curves_of_a_model_are_all_of_its_inputs(post, bundle):
    curves = post("/fuzzy/curves", {"model": "two_timeframes"})["curves"]
    expected = fuzzy_inputs(bundle.strategy, bundle.fitted)
    assert [one["name"] for one in curves] == [one.key for one in expected]
    (one,) = post(
        "/fuzzy/curves", {"model": "two_timeframes@1", "fuzzy_set": "4h_place"}
    )["curves"]
    assert one["indicator"] == "bands.upperband"


def test_curves_of_a_strategy_are_those_that_it_gives(post, refused):
    text = two_timeframes_text()
    (curve,) = post("/fuzzy/curves", {"strategy": text, "fuzzy_set": "momentum"})[
        "curves"
    ]
    assert list(curve["degrees"]) == ["low", "medium", "high"]
    # Fitted to training bars, which a text alone has not seen.
    problem = refused(
        "POST", "/fuzzy/curves", json={"strategy": text, "fuzzy_set": "place"}
    )
    assert problem["code"] == "not_found"


def test_values_have_degrees_and_unknown_ones_null(post):
    asked = {"memberships": TERMS, "values": [0, 2.5, None, 100]}
    assert post("/fuzzy/evaluate", asked)["degrees"] == {
        "low": [1.0, 0.75, None, 0.0],
        "high": [0.0, 0.25, None, 1.0],
    }


def test_degrees_of_a_model_are_those_of_its_functions(post, bundle):
    asked = {"model": bundle.digest[:8], "fuzzy_set": "4h_place", "values": [100.0]}
    answer = post("/fuzzy/evaluate", asked)
    place = next(
        one
        for one in fuzzy_inputs(bundle.strategy, bundle.fitted)
        if one.key == "4h_place"
    )
    assert answer["degrees"] == {
        name: each(np.array([100.0])).tolist() for name, each in place.functions.items()
    }


@pytest.mark.parametrize(
    "request_body",
    [
        {},
        {"memberships": TERMS, "model": "x"},
        {"memberships": {}},
        {"memberships": TERMS, "fuzzy_set": "low"},
        {"memberships": {"low": {"type": "triangular", "parameters": [1, 2]}}},
        {"memberships": {"low": {"type": "triangular", "parameters": [3, 2, 1]}}},
        {"memberships": {"low": {"type": "gaussian", "parameters": [0, 0]}}},
        {"memberships": {"low": {"type": "gaussian", "parameters": [0, 1e200]}}},
        {"memberships": {"low": {"type": "sigmoid", "parameters": [5e-324, 0]}}},
        {"memberships": {"no name": LOW}},
        {"memberships": TERMS, "low": 5, "high": 5},
        {"memberships": TERMS, "low": -1.7e308, "high": 1.7e308},
        {"memberships": TERMS, "n_points": 1},
        {"memberships": TERMS, "n_points": 10**9},
        {"strategy": "name: \0"},
        {"strategy": "[]"},
        {"model": "no such"},
    ],
)
def test_wrong_curves_are_told(refused, request_body):
    problem = refused("POST", "/fuzzy/curves", json=request_body)
    assert problem["status"] in (404, 422)


@pytest.mark.parametrize("values", [[], ["x"], [0.0] * 10_001, None])
def test_wrong_values_are_told(refused, values):
    asked = {"memberships": TERMS, "values": values}
    assert refused("POST", "/fuzzy/evaluate", json=asked)["status"] == 422


def test_one_fuzzy_set_is_evaluated_at_a_time(bundle, refused):
    asked = {"model": "two_timeframes", "values": [1.0]}
    assert "4h_place" in refused("POST", "/fuzzy/evaluate", json=asked)["detail"]
