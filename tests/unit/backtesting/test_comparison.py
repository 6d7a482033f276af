import pytest

from ktrdr.backtesting import compare_backtests, compare_trainings, run_backtest
from ktrdr.backtesting.comparison import differences
from ktrdr.models import find_model, load_manifest
from ktrdr.progress import NoProgress
from tests.unit.backtesting.stored_models import filled_store, request_for


def paths(before, after):
    return [one.path for one in differences(before, after)]


def test_equal_documents_do_not_differ():
    document = {"a": [1, {"b": None}], "c": 0.1}
    assert paths(document, {"c": 0.1, "a": [1, {"b": None}]}) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 2}, ["a"]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, ["a.c"]),
        ({"a": [1, 2, 3]}, {"a": [1, 5, 3]}, ["a.1"]),
        ({"a": [1]}, {"a": [1, 2]}, ["a.1"]),
        ({"a": 1}, {"b": 1}, ["a", "b"]),
        ({"a": None}, {}, ["a"]),
        ({"a": [1]}, {"a": {"0": 1}}, ["a"]),
        ({"a": 1}, {"a": 1.0000000001}, ["a"]),
    ],
)
def test_every_difference_is_named(before, after, expected):
    assert paths(before, after) == expected


def test_only_what_came_out_counts_for_a_backtest(tmp_path):
    filled_store(tmp_path)
    before = run_backtest(request_for(tmp_path), NoProgress()).manifest
    elsewhere = {"created_at": "2000-01-01", "environment": {"numpy": "0.1"}}
    found = compare_backtests(before, before.model_copy(update=elsewhere))
    assert found.is_identical
    assert "numpy" in [one.path for one in found.environments]
    other = before.model_copy(update={"equity": "0" * 64})
    found = compare_backtests(before, other)
    assert [one.path for one in found.results] == ["equity"]
    assert found.environments == ()


def test_only_what_came_out_counts_for_a_training(tmp_path):
    store = filled_store(tmp_path)
    before = load_manifest(store, find_model(store, "two_timeframes").digest)
    fit = before.fit.model_copy(
        update={"seconds": 99.0, "cpu_capability": "NEON", "threads": 2}
    )
    elsewhere = {"version": 7, "created_at": "2000-01-01", "fit": fit}
    found = compare_trainings(before, before.model_copy(update=elsewhere))
    assert found.is_identical
    assert [one.path for one in found.environments] == ["cpu_capability", "threads"]
    fit = before.fit.model_copy(update={"best_epoch": 2})
    found = compare_trainings(before, before.model_copy(update={"fit": fit}))
    assert [one.path for one in found.results] == ["fit.best_epoch"]
