"""From real bars to a trained model, its backtest, and both once more."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from ktrdr.backtesting import load_result, simulate_reference
from ktrdr.cli.jobs import run_job
from ktrdr.data import BarStore, install_sample, sample_bars
from ktrdr.models import find_model, list_models, load_bundle
from ktrdr.schemas import BacktestRequest, TrainingRequest
from ktrdr.storage import ArtifactStore, parse_digest

STRATEGY = """
name: sample_test
version: 3
training_data:
  symbols: [EURUSD]
  timeframes: [1h, 4h]
  base_timeframe: 1h
indicators:
  rsi: {type: rsi, timeperiod: 7}
  trend: {type: adx}
fuzzy_sets:
  momentum:
    indicator: rsi
    auto: [low, medium, high]
  strength:
    indicator: trend
    auto: [weak, strong]
nn_inputs:
  - {fuzzy_set: momentum, timeframes: all}
  - {fuzzy_set: strength, timeframes: [1h]}
model: {type: mlp, hidden_layers: [8]}
training:
  labels: {type: forward_return, horizon: 4, threshold: 0.0005}
  epochs: 3
decisions: {format: classification, min_signal_separation: 2}
backtest:
  costs: {spread_rate: 0.0001, commission_rate: 0.00002}
  stops: {stop_loss: 0.004, take_profit: 0.006, trailing_stop: 0.005}
  sizing: {type: volatility_target, target: 0.1, lookback: 50}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    store = ArtifactStore.in_folder(folder / "store")
    install_sample(BarStore(store))
    run_job(
        "ktrdr.workers.training_job",
        TrainingRequest(
            strategy=STRATEGY,
            store=str(folder / "store"),
            checkpoints=str(folder / "checkpoints"),
        ),
        as_json=True,
    )
    return folder


def backtest(home, **changes):
    request = BacktestRequest(
        model="sample_test", store=str(home / "store"), resamples=200, **changes
    )
    found = run_job("ktrdr.workers.backtest_job", request, as_json=True)
    store = ArtifactStore.in_folder(home / "store")
    return load_result(store, parse_digest(str(found["digest"])))


def rerun(home, what):
    command = [sys.executable, "-c", "from ktrdr.cli.main import main; main()"]
    return subprocess.run(
        [*command, "rerun", what, "--json"],
        env={**os.environ, "KTRDR_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_test_part_is_traded_as_the_reference_does(home):
    result = backtest(home)
    manifest = result.manifest
    assert manifest.seen.n_in_sample == 0
    assert manifest.seen.test == manifest.period.n_bars == 1245
    assert len(result.trades) > 20
    store = ArtifactStore.in_folder(home / "store")
    spec = load_bundle(store, find_model(store, "sample_test").digest).strategy.backtest
    # The reference looks back by itself when it is given the bars before, which all
    # lie within a year.
    bars = sample_bars()
    n_before = int(np.searchsorted(bars.time, result.time[0]))
    targets = np.concatenate([np.zeros(n_before, np.int8), result.decisions.target])
    expected = simulate_reference(bars[: n_before + len(result.time)], targets, spec)
    assert result.equity == pytest.approx(expected.equity[n_before:])
    assert result.trades.profit == pytest.approx(expected.trades.profit)


@pytest.mark.slow
def test_costs_explain_the_sensitivity(home):
    points = backtest(home).manifest.cost_sensitivity
    assert [point.multiple for point in points] == [0.0, 1.0, 2.0, 4.0]
    assert points[0].total_return > points[3].total_return


@pytest.mark.slow
def test_a_backtest_repeats_byte_for_byte_in_another_process(home):
    first, second = (backtest(home).manifest for _ in range(2))
    assert first.model_dump(exclude={"created_at"}) == second.model_dump(
        exclude={"created_at"}
    )


@pytest.mark.slow
def test_a_training_repeats_with_identical_weights_and_adds_no_version(home):
    done = rerun(home, "sample_test@1")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["kind"] == "training"
    assert report["is_identical"] is True
    assert report["environments"] == []
    store = ArtifactStore.in_folder(home / "store")
    assert [str(ref) for ref in list_models(store)] == ["sample_test@1"]


@pytest.mark.slow
def test_other_weights_are_told_apart(home, tmp_path):
    store = ArtifactStore.in_folder(home / "store")
    manifest = load_bundle(store, find_model(store, "sample_test").digest).manifest
    document = manifest.model_dump(mode="json")
    document["weights"]["digest"] = "0" * 64
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(document))
    done = rerun(home, str(file))
    assert done.returncode == 1, done.stderr
    assert [one["path"] for one in json.loads(done.stdout)["results"]] == [
        "weights.digest"
    ]
