import math

import numpy as np
import pytest

from ktrdr.cli import indicators
from ktrdr.data import sample_bars
from ktrdr.indicators import IndicatorUse, catalogue, compute_indicator
from tests.unit.api.pipeline.conftest import printed


@pytest.fixture
def sample(post):
    return post("/data/sample")


def test_catalogue_is_what_the_command_lists(get):
    assert get("/indicators") == printed(indicators.app, "list")
    assert len(get("/indicators")) == len(catalogue())
    found = get("/indicators", search="average", group="overlap")
    assert found == printed(indicators.app, "list", "average", "--group", "overlap")
    assert get("/indicators", search="no such thing") == []


@pytest.mark.parametrize("name", ["rsi", "bbands", "supertrend", "obv"])
def test_indicator_is_what_the_command_shows(get, name):
    assert get(f"/indicators/{name}") == printed(indicators.app, "show", name)


def test_values_are_those_of_the_indicator_with_null_for_unknown(sample, post):
    asked = {"symbol": "eurusd", "type": "bbands", "parameters": {"timeperiod": 30}}
    answer = post("/indicators/calculate", {**asked, "to": "2017-01-05", "last": 100})
    bars = sample_bars()
    use = IndicatorUse(type="bbands", parameters={"timeperiod": 30})
    expected = compute_indicator(use, bars)
    n_bars = len(answer["time"])
    assert n_bars == (bars.time < np.datetime64("2017-01-05")).sum()
    assert answer["warm_up"] == 29
    for name, values in expected.items():
        found = [math.nan if one is None else one for one in answer["outputs"][name]]
        assert found == pytest.approx(values[:n_bars].tolist(), abs=0, nan_ok=True)
        assert answer["outputs"][name][:29] == [None] * 29
    assert answer["parameters"]["nbdevup"] == 2.0
    assert answer["snapshot"] == sample["snapshot"]["digest"]


def test_range_begins_where_asked_and_ends_with_the_last(sample, post):
    asked = {"symbol": "EURUSD", "type": "ema", "from": "2017-06-01"}
    whole = post("/indicators/calculate", {**asked, "last": 100_000})
    assert whole["time"][0] == "2017-06-01T00:00:00.000Z"
    part = post("/indicators/calculate", {**asked, "last": 5})
    assert part["outputs"]["value"] == whole["outputs"]["value"][-5:]
    nothing = {**asked, "from": "2030-01-01"}
    assert post("/indicators/calculate", nothing)["time"] == []


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"type": "no_such"}, 404),
        ({"symbol": "NOSUCH"}, 404),
        ({"symbol": "\0"}, 422),
        ({"parameters": {"timeperiod": 10**400}}, 422),
        ({"parameters": {"timeperiod": -1}}, 422),
        ({"parameters": {"timeperiod": "x"}}, 422),
        ({"parameters": {"nothing": 1}}, 422),
        ({"parameters": {"": 1}}, 422),
        ({"from": "\ud800"}, 422),
        ({"last": 0}, 422),
        ({"last": 10**9}, 422),
        ({"unknown": 1}, 422),
        ({"timeframe": "1M"}, 422),
    ],
)
def test_wrong_questions_are_told(sample, refused, changes, status):
    asked = {"symbol": "EURUSD", "type": "rsi", **changes}
    problem = refused("POST", "/indicators/calculate", json=asked)
    assert problem["status"] == status


def test_more_work_than_a_few_seconds_is_refused(sample, refused, monkeypatch):
    monkeypatch.setattr("ktrdr.api.services.indicator_service._MOST_WORK", 80_000)
    asked = {"symbol": "EURUSD", "type": "rsi"}
    assert refused("POST", "/indicators/calculate", json=asked)["code"] == "too_large"


def test_unknown_indicator_is_told_with_the_nearest(refused):
    assert "did you mean rsi" in refused("GET", "/indicators/rsii")["detail"]
