import json

import numpy as np
import pytest

from ktrdr.backtesting import run_backtest
from ktrdr.cli import models
from ktrdr.data import BarStore, Timeframe
from ktrdr.features import compute_features
from ktrdr.models import decide, find_model, load_bundle, predictor_of, save_bundle
from ktrdr.progress import NoProgress
from ktrdr.schemas import ModelDetail
from ktrdr.settings import settings
from tests.builders import random_bars
from tests.unit.api.pipeline.conftest import API, printed
from tests.unit.backtesting.stored_models import filled_store, request_for
from tests.unit.models.bundles import REGRESSION, bars_by_timeframe, model

NAME = "two_timeframes"


@pytest.fixture
def store(home):
    """300 bars of TEST and a model of them."""
    return filled_store(settings().store_path)


def bundle_of(store, text=NAME):
    return load_bundle(store, find_model(store, text).digest)


def expected(bundle, bars, first=0):
    """Outputs and targets as a backtest from row ``first`` on has them."""
    matrix = compute_features(bundle.strategy, bars_by_timeframe(bars), bundle.fitted)
    outputs = predictor_of(bundle).predict(matrix.values[first:])
    return outputs, decide(bundle.strategy.decisions, outputs)


def columns(bars):
    names = ("open", "high", "low", "close", "volume")
    return {
        "time": [str(time) for time in bars.time],
        **{name: getattr(bars, name).tolist() for name in names},
    }


def test_list_is_what_the_command_lists(store, get):
    save_bundle(store, *model(*REGRESSION))
    assert get("/models") == printed(models.app, "list")
    assert [one["model"] for one in get("/models")] == [f"{NAME}@1", f"{NAME}@2"]
    assert [one["model"] for one in get("/models", offset=1)] == [f"{NAME}@2"]


def test_no_models_are_an_empty_list(home, get):
    assert get("/models") == []


def test_model_is_what_the_command_shows(store, get):
    document = get(f"/models/{NAME}")
    assert document == printed(models.app, "show", NAME)
    assert get(f"/models/{NAME}@1") == get(f"/models/{document['digest'][:8]}")
    assert get(f"/models/{NAME}@1") == document


def test_document_of_a_model_holds_the_whole_manifest(store):
    """Written twice, since what is stored needs numbers and what is sent does not."""
    bundle = bundle_of(store)
    manifest = json.loads(store.get(bundle.digest))
    document = ModelDetail.model_validate_json(
        json.dumps({"digest": bundle.digest, **manifest})
    )
    assert document.model_dump(mode="json", exclude={"digest"}) == manifest


def test_explanation_is_what_the_command_prints(store, get):
    assert get(f"/models/{NAME}/explain") == printed(models.app, "explain", NAME)
    told = get(f"/models/{NAME}/explain", at="2020-01-12T05:30", last=2)
    asked = ("--at", "2020-01-12T05:30", "--last", "2")
    assert told == printed(models.app, "explain", NAME, *asked)
    assert len(told["bars"]) == 3


def test_predictions_of_the_test_part_are_those_of_a_backtest(store, post):
    bundle, bars = bundle_of(store), random_bars(300, seed=0)
    asked = {"symbol": "test", "from": str(bars.time[240]), "last": 1000}
    answer = post(f"/models/{NAME}/predict", asked)
    outputs, targets = expected(bundle, bars, first=240)
    assert answer["target"] == targets.tolist()
    found = np.array([answer["outputs"][name] for name in ("short", "flat", "long")])
    np.testing.assert_array_equal(found.T, outputs)
    assert answer["time"][0] == f"{bars.time[240]}Z"
    assert (answer["symbol"], answer["timeframe"]) == ("TEST", "1h")


def test_earlier_bars_are_decided_from_the_first_on_and_unknown_ones_null(store, post):
    bundle, bars = bundle_of(store), random_bars(300, seed=0)
    answer = post(f"/models/{NAME}/predict", {"last": 100_000})
    outputs, targets = expected(bundle, bars)
    assert answer["target"] == targets.tolist()
    unknown = np.isnan(outputs[:, 0])
    assert unknown.any()
    assert [one is None for one in answer["outputs"]["long"]] == unknown.tolist()


def test_bars_that_are_sent_along_are_asked_about(store, post):
    bundle, bars = bundle_of(store), random_bars(120, seed=5)
    asked = {"bars": columns(bars), "last": 10}
    answer = post(f"/models/{NAME}/predict", asked)
    outputs, targets = expected(bundle, bars)
    assert answer["target"] == targets[-10:].tolist()
    assert answer["outputs"]["long"] == outputs[-10:, 2].tolist()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"time": ["2020-01-01"]}, "data_invalid"),
        ({"volume": [-1.0] * 120}, "input_invalid"),
        ({"low": [1e9] * 120}, "data_invalid"),
        ({"close": ["x"] * 120}, "input_invalid"),
        ({"open": []}, "input_invalid"),
        ({"time": ["\0"] * 120}, "input_invalid"),
    ],
)
def test_bars_that_are_none_are_told(store, refused, change, code):
    asked = {"bars": {**columns(random_bars(120)), **change}}
    assert refused("POST", f"/models/{NAME}/predict", json=asked)["code"] == code


def test_too_few_bars_for_the_longest_timeframe_are_told(store, refused):
    asked = {"bars": columns(random_bars(2))}
    problem = refused("POST", f"/models/{NAME}/predict", json=asked)
    assert problem["code"] == "data_invalid"


def test_range_without_bars_gives_no_predictions(store, post):
    for asked in ({"from": "2030-01-01"}, {"to": "2000-01-01"}):
        assert post(f"/models/{NAME}/predict", asked)["target"] == []


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/models/no_such", {}, 404),
        (f"/models/{NAME}@x", {}, 422),
        (f"/models/{NAME}@{10**20}", {}, 422),
        (f"/models/{NAME}@9", {}, 404),
        ("/models/%00", {}, 404),
        ("/models/..%2f..", {}, 404),
        (f"/models/{NAME}/explain", {"at": "never"}, 422),
        (f"/models/{NAME}/explain", {"at": "1999-01-01"}, 404),
        (f"/models/{NAME}/explain", {"last": 201}, 422),
        (f"/models/{NAME}/explain", {"symbol": "NOSUCH"}, 404),
        (f"/models/{NAME}/explain", {"symbol": "\0"}, 422),
    ],
)
def test_wrong_questions_are_told(store, refused, path, query, status):
    assert refused("GET", path, params=query)["status"] == status


def test_question_that_costs_too_much_is_refused(store, refused, monkeypatch):
    monkeypatch.setattr("ktrdr.api.services.model_service._MOST_VALUES", 3_000)
    problem = refused("GET", f"/models/{NAME}/explain")
    assert problem["code"] == "too_large"


def test_exactly_named_model_is_deleted_and_its_number_stays_free(
    store, client, get, refused
):
    assert refused("DELETE", f"/models/{NAME}")["code"] == "input_invalid"
    digest = bundle_of(store).digest
    prefix = f"/models/{digest[:12]}"
    assert refused("DELETE", prefix)["code"] == "input_invalid"
    assert client.delete(f"{API}/models/{NAME}@1").status_code == 204
    assert get("/models") == []
    assert refused("DELETE", f"/models/{NAME}@1")["code"] == "not_found"
    assert str(save_bundle(store, *model())) == f"{NAME}@2"


def test_model_with_results_is_deleted_by_force_only(store, client, refused):
    run_backtest(request_for(settings().store_path), NoProgress())
    problem = refused("DELETE", f"/models/{NAME}@1")
    assert problem["code"] == "conflict"
    digest = bundle_of(store).digest
    answer = client.delete(f"{API}/models/{digest}", params={"force": True})
    assert answer.status_code == 204


def test_stored_timeframes_are_used_where_there_are_any(store, post):
    assert BarStore(store).find("TEST", Timeframe.H4) is None
    before = post(f"/models/{NAME}/predict", {"last": 5})
    post("/data/TEST/resample", {"to": "4h"})
    assert post(f"/models/{NAME}/predict", {"last": 5}) == before
