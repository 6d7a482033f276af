import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ktrdr.errors import (
    ConflictError,
    InputError,
    JobStopped,
    NotFoundError,
    StrategyError,
)
from ktrdr.models import load_bundle, predictor_of
from ktrdr.storage import ArtifactStore
from ktrdr.training import train
from tests.builders import random_bars
from tests.unit.training.strategies import (
    REGRESSION,
    Listener,
    request,
    stored,
    strategy_text,
)

ROOT = Path(__file__).parents[3]
BARS = random_bars(600, seed=3)


@pytest.fixture
def folder(tmp_path):
    stored(tmp_path / "store", BARS)
    return tmp_path


def bundle_of(folder, outcome):
    return load_bundle(ArtifactStore.in_folder(folder / "store"), outcome.model)


def test_a_model_is_stored_with_all_that_tells_where_it_comes_from(folder):
    text = strategy_text()
    listener = Listener()
    outcome = train(request(folder, text), listener)
    bundle = bundle_of(folder, outcome)
    manifest = bundle.manifest
    assert (manifest.name, manifest.version) == ("small", 1)
    assert manifest.strategy_yaml == text
    assert [use.symbol for use in manifest.snapshots] == ["TEST"]
    assert manifest.metrics == outcome.metrics
    assert manifest.split == outcome.split
    assert manifest.weights.digest == outcome.weights
    assert len(manifest.features.reference) == len(manifest.features.names) == 4
    assert manifest.fit.epochs_run == len(manifest.fit.history) == outcome.n_epochs
    assert manifest.environment["torch"]
    assert [name for name, _, _ in listener.phases] == [
        "read data",
        "features and labels",
        "train linear",
        "train mlp",
        "measure and store",
    ]
    assert listener.steps["train mlp"] == outcome.n_epochs


def test_samples_are_counted_once_an_epoch_of_either_network(folder):
    listener = Listener()
    text = strategy_text(early_stopping=None)
    outcome = train(request(folder, text), listener)
    assert outcome.n_epochs == 5
    assert listener.counts == {"samples": 2 * 5 * outcome.split.train.n_samples}


def test_shipped_weights_have_the_loss_that_training_saw(folder):
    outcome = train(request(folder, strategy_text(class_weights="balanced")))
    history = bundle_of(folder, outcome).manifest.fit.history
    seen = history[outcome.best_epoch - 1].validation_loss
    assert outcome.metrics["validation"]["model"]["loss"] == pytest.approx(
        seen, rel=1e-5
    )


@pytest.mark.parametrize("hidden", [(6,), ()])
def test_shipped_weights_predict_plain_returns(folder, hidden):
    text = strategy_text(hidden=hidden, **REGRESSION)
    outcome = train(request(folder, text))
    bundle = bundle_of(folder, outcome)
    seen = bundle.manifest.fit.history[outcome.best_epoch - 1].validation_loss
    shipped = outcome.metrics["validation"]["model"]
    assert shipped["loss"] == pytest.approx(seen, rel=1e-4)
    predicted = predictor_of(bundle).predict(np.zeros((1, 4)))
    assert abs(predicted[0, 0]) < 0.05
    assert (shipped["rmse"] or 1) < 0.05
    assert bundle.manifest.network.outputs == ("return",)


@pytest.mark.parametrize("loss", ["focal", "cross_entropy"])
@pytest.mark.parametrize(
    "labels",
    [
        {
            "type": "triple_barrier",
            "horizon": 5,
            "take_profit": 0.01,
            "stop_loss": 0.01,
        },
        {"type": "zigzag", "threshold": 0.02},
    ],
    ids=["barrier", "zigzag"],
)
def test_every_kind_of_label_is_learned(folder, labels, loss):
    outcome = train(request(folder, strategy_text(labels=labels, loss={"type": loss})))
    for part in ("train", "validation", "test"):
        for measures in outcome.metrics[part].values():
            assert 0 < (measures["accuracy"] or 0) <= 1


def test_something_learnable_is_learned_and_said_to_be(tmp_path):
    # Half a wave ahead lies the opposite of what the oscillator has just seen.
    rows = np.arange(1500)
    close = 100 + 3 * np.sin(rows * 2 * np.pi / 24)
    open_ = np.concatenate([close[:1], close[:-1]])
    bars = type(BARS)(
        symbol="TEST",
        timeframe=BARS.timeframe,
        time=np.datetime64("2020-01-06T00:00", "ms") + rows * BARS.timeframe.duration,
        open=open_,
        high=np.maximum(open_, close),
        low=np.minimum(open_, close),
        close=close,
        volume=np.ones(1500),
    )
    stored(tmp_path / "store", bars)
    text = strategy_text(
        hidden=(16,),
        epochs=60,
        labels={"type": "forward_return", "horizon": 12, "threshold": 0.002},
        optimizer={"type": "adam", "learning_rate": 0.01},
    )
    outcome = train(request(tmp_path, text))
    test = outcome.metrics["test"]
    assert (test["model"]["balanced_accuracy"] or 0) > 0.8
    assert (test["model"]["log_loss_skill"] or 0) > 0.4
    assert test["majority"]["balanced_accuracy"] == pytest.approx(1 / 3)


def test_versions_count_up_and_the_same_request_gives_the_same_weights(folder):
    first, second = (train(request(folder, strategy_text(dropout=0.2))) for _ in "12")
    assert (first.version, second.version) == (1, 2)
    assert first.weights == second.weights
    assert first.metrics == second.metrics
    other = train(request(folder, strategy_text(dropout=0.2, seed=7)))
    assert other.weights != first.weights


def test_the_data_asked_for_are_used(folder):
    newer = random_bars(600, seed=9)
    old = bundle_of(folder, train(request(folder, strategy_text())))
    pins = {"TEST": {"1h": old.manifest.snapshots[0].digest}}
    stored(folder / "store", newer)
    latest = train(request(folder, strategy_text()))
    pinned = train(request(folder, strategy_text(), snapshots=pins))
    assert pinned.weights == old.manifest.weights.digest != latest.weights
    with pytest.raises(InputError, match="OTHER, which strategy small does not train"):
        train(request(folder, strategy_text(), snapshots={"OTHER": pins["TEST"]}))


def test_missing_data_and_invalid_strategies_are_told(folder):
    with pytest.raises(NotFoundError, match="no 1h bars of OTHER"):
        train(request(folder, strategy_text(symbols=("OTHER",))))
    with pytest.raises(StrategyError, match="epochs"):
        train(request(folder, strategy_text(epochs=0)))


def test_checkpoints_are_removed_after_success(folder):
    train(request(folder, strategy_text()))
    assert not list((folder / "checkpoints").rglob("*.safetensors*"))


# Dies when told of an epoch of the network, as a process that is killed there.
CHILD = """
import json, os, signal, sys
from ktrdr.schemas import TrainingRequest
from ktrdr.training import train
from tests.unit.training.strategies import Listener

request = TrainingRequest.model_validate_json(sys.argv[1])
class Killer(Listener):
    def advance(self, done, message=""):
        name = self.phases[-1][0]
        if (name, done) == tuple(json.loads(sys.argv[2])):
            os.kill(os.getpid(), signal.SIGKILL)
print(train(request, Killer()).weights)
"""


def child(asked, kill_at) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        CHILD,
        asked.model_dump_json(),
        json.dumps(kill_at),
    ]
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_weights(folder):
    text = strategy_text(dropout=0.3, epochs=8)
    whole = train(request(folder, text))
    asked = request(folder, text, resume=True)
    for kill_at in (("train linear", 3), ("train mlp", 4)):
        died = child(asked, kill_at)
        assert died.returncode == -signal.SIGKILL, died.stderr
    assert list((folder / "checkpoints").rglob("*.safetensors"))

    # Another run is refused while only this one's checkpoints are there.
    refusal = r"belongs to another run.*seed was 42, is 1"
    with pytest.raises(ConflictError, match=refusal):
        train(request(folder, strategy_text(seed=1), resume=True))

    listener = Listener()
    resumed = train(asked, listener)
    assert resumed.weights == whole.weights
    assert resumed.metrics == whole.metrics
    assert not listener.notes
    assert not list((folder / "checkpoints").rglob("*.safetensors*"))


@pytest.mark.slow
def test_two_processes_give_the_same_weights(folder):
    asked = request(folder, strategy_text(dropout=0.3))
    done = child(asked, ("never", 0))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == train(asked).weights


def test_resuming_without_checkpoint_starts_anew_and_says_so(folder):
    listener = Listener()
    train(request(folder, strategy_text(), resume=True), listener)
    assert listener.notes == ["there is no checkpoint of this run yet: it starts anew"]


def operation_request(folder, text, **keys):
    return request(folder, text, operation="op1", resume=True, **keys)


def test_an_operations_checkpoints_are_named_by_their_networks(folder):
    class Watcher(Listener):
        def checkpoint(self, name, path):
            told[name] = path

    told: dict[str, Path] = {}
    train(operation_request(folder, strategy_text()), Watcher())
    checkpoints = folder / "checkpoints"
    assert told == {
        "linear": checkpoints / "linear.safetensors",
        "mlp": checkpoints / "mlp.safetensors",
    }


class Stopper(Listener):
    def should_stop(self):
        return self.steps.get("train mlp", 0) >= 2


def test_an_operation_begins_anew_when_its_checkpoint_is_another_builds(
    folder, monkeypatch
):
    text = strategy_text(dropout=0.3)
    whole = train(request(folder, text))
    with monkeypatch.context() as other_build:
        other_build.setattr("ktrdr.training.run._identity", lambda *_: {"ktrdr": "0"})
        with pytest.raises(JobStopped):
            train(operation_request(folder, text), Stopper())
    listener = Listener()
    again = train(operation_request(folder, text, restart_if_unusable=True), listener)
    assert again.weights == whole.weights
    assert len(listener.notes) == 2
    for network, note in zip(("linear", "mlp"), listener.notes, strict=True):
        assert f"the training of {network} begins anew: checkpoint" in note
        assert "ktrdr was 0" in note


def test_an_operation_begins_anew_when_its_checkpoint_is_damaged(folder):
    checkpoints = folder / "checkpoints"
    text = strategy_text()
    with pytest.raises(JobStopped):
        train(operation_request(folder, text), Stopper())
    assert sorted(path.name for path in checkpoints.iterdir()) == [
        "linear.safetensors",
        "mlp.safetensors",
    ]
    (checkpoints / "mlp.safetensors").write_bytes(b"nothing")
    listener = Listener()
    train(operation_request(folder, text, restart_if_unusable=True), listener)
    assert len(listener.notes) == 1
    assert "the training of mlp begins anew" in listener.notes[0]
    # The other network's was whole: it was not trained again.
    assert "train linear" not in listener.steps


def test_another_runs_checkpoint_does_not_refuse_an_operation(folder):
    # As it lay in the folder before, of a run without operation.
    stale = folder / "checkpoints" / "small" / "0123456789abcdef.mlp.safetensors"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"nothing")
    train(operation_request(folder, strategy_text()))
    assert stale.exists()
