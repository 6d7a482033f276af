"""The forms of a fuzzy set."""

import pytest
from pydantic import ValidationError

from ktrdr.fuzzy import FuzzySet

LOW = {"type": "linear_z", "parameters": (0, 1)}
HIGH = {"type": "linear_s", "parameters": (0, 1)}


def test_terms_stand_directly_below_the_set():
    fuzzy_set = FuzzySet.model_validate({"indicator": "rsi", "low": LOW, "high": HIGH})
    assert fuzzy_set.names == ("low", "high")
    assert fuzzy_set.memberships["low"].type == "linear_z"
    assert fuzzy_set.auto is None


def test_reference_may_name_an_output():
    with_output = FuzzySet.model_validate({"indicator": "macd.macdhist", "low": LOW})
    without = FuzzySet.model_validate({"indicator": "macd", "low": LOW})
    assert (with_output.indicator_id, with_output.output) == ("macd", "macdhist")
    assert (without.indicator_id, without.output) == ("macd", None)


@pytest.mark.parametrize("auto", [["low", "high"], {"low": None, "high": None}])
def test_names_to_fit_may_be_a_list_or_a_mapping(auto):
    fuzzy_set = FuzzySet.model_validate({"indicator": "rsi", "auto": auto})
    assert fuzzy_set.auto == {"low": None, "high": None}
    assert fuzzy_set.names == ("low", "high")


@pytest.mark.parametrize(
    "form",
    [
        {"indicator": "rsi", "low": LOW, "high": HIGH},
        {"indicator": "rsi.value", "auto": {"low": 0.2, "high": 0.8}},
        {"indicator": "rsi", "auto": ["low", "high"]},
    ],
)
def test_round_trips_through_json(form):
    fuzzy_set = FuzzySet.model_validate(form)
    again = FuzzySet.model_validate_json(fuzzy_set.model_dump_json())
    assert again == fuzzy_set
    assert again.names == fuzzy_set.names


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"indicator": "rsi"}, "no membership functions"),
        ({"indicator": "rsi", "auto": None}, "no membership functions"),
        ({"indicator": "rsi", "auto": ["a", "b"], "low": LOW}, "found both"),
        ({"indicator": "rsi", "auto": ["a"]}, "at least 2 names, found 1"),
        ({"indicator": "rsi", "auto": ["a", "a"]}, "each name once"),
        ({"indicator": "rsi", "auto": ["a", 5]}, "list of names"),
        ({"indicator": "rsi", "auto": {"a": 0.1, "b": None}}, "every name or for none"),
        ({"indicator": "rsi", "auto": {"a": 0.9, "b": 0.1}}, "found 0.9, 0.1"),
        ({"indicator": "rsi", "auto": {"a": 0.5, "b": 0.5}}, "increasing"),
        ({"indicator": "rsi", "auto": {"a": 0.5, "b": 1.5}}, "less than or equal to 1"),
        ({"indicator": "rsi", "low-ish": LOW}, "pattern"),
        ({"low": LOW}, "indicator"),
        ({"indicator": "rsi", "low": 5}, "valid dictionary"),
        ("rsi", "valid dictionary"),
    ],
)
def test_contradictions_are_refused(form, told):
    with pytest.raises(ValidationError, match=told):
        FuzzySet.model_validate(form)


def test_number_of_terms_is_bounded():
    terms = {f"t{i}": LOW for i in range(65)}
    with pytest.raises(ValidationError, match="at most 64"):
        FuzzySet.model_validate({"indicator": "rsi", **terms})


@pytest.mark.parametrize("misspelt", ["atuo", "Auto", "aut"])
def test_a_misspelt_auto_is_not_taken_for_a_term(misspelt):
    for names in (["low", "high"], {"low": None, "high": None}):
        with pytest.raises(ValidationError, match="did you mean auto"):
            FuzzySet.model_validate({"indicator": "rsi", misspelt: names})
    term = {"type": "gaussian", "parameters": [0.0, 1.0]}
    kept = FuzzySet.model_validate({"indicator": "rsi", misspelt: term})
    assert kept.names == (misspelt,)
