"""``ktrdr train`` as a user starts it: a command, and a job process below it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ktrdr.data import BarStore, install_sample
from ktrdr.models import find_model
from ktrdr.storage import ArtifactStore

COMMAND = "from ktrdr.cli.main import main; main()"


def ktrdr(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        env={**os.environ, "KTRDR_HOME": str(home), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def home(tmp_path):
    install_sample(BarStore(ArtifactStore.in_folder(tmp_path / "store")))
    return tmp_path


def test_without_bars_it_says_how_to_get_them(tmp_path):
    done = ktrdr(tmp_path, "train", "minimal")
    assert done.returncode == 6
    assert "needs 1h bars of EURUSD" in done.stderr
    assert "ktrdr data import FILE --timeframe 1h" in done.stderr
    assert "ktrdr data sample" in done.stderr


@pytest.mark.slow
def test_it_trains_and_tells_honestly_how_good_the_model_is(home):
    done = ktrdr(home, "train", "minimal")
    assert done.returncode == 0, done.stderr
    assert "minimal@1" in done.stdout
    assert "2017-10-18" in done.stdout
    for word in ("model", "linear", "majority", "balanced accuracy"):
        assert word in done.stdout
    # One oscillator does not beat the market, and the summary says so.
    assert "not shown to be better than its baselines" in done.stdout
    assert "Next: ktrdr backtest minimal@1" in done.stdout
    assert "train mlp" in done.stderr
    assert find_model(ArtifactStore.in_folder(home / "store"), "minimal").version == 1


@pytest.mark.slow
def test_json_is_one_document_and_all_there_is(home):
    done = ktrdr(home, "train", "minimal", "--resume", "--json")
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["metrics"]["test"]["majority"]["log_loss_skill"] == 0
    assert outcome["verdict"]["is_better"] is False
    assert (outcome["name"], outcome["version"]) == ("minimal", 1)


@pytest.mark.slow
def test_a_training_that_explodes_ends_with_advice(home, tmp_path):
    from ktrdr.strategy import examples_folder

    text = (examples_folder() / "volatility.yaml").read_text()
    document = yaml.safe_load(text)
    document["training"]["optimizer"] = {"type": "sgd", "learning_rate": 10.0}
    document["training"]["loss"] = {"type": "mse"}
    document["training"].pop("gradient_clip", None)
    path = tmp_path / "wild.yaml"
    path.write_text(yaml.safe_dump(document))
    done = ktrdr(home, "train", str(path))
    assert done.returncode == 9
    assert "Lower training.optimizer.learning_rate" in done.stderr
    assert "Traceback" not in done.stderr
