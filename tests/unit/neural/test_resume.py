"""A real child process is killed with SIGKILL, and another one goes on."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.neural.resumable import train

ROOT = Path(__file__).parents[3]
STEPS_PER_EPOCH = 100


def spec_of(**keys) -> dict[str, Any]:
    return {
        "epochs": 12,
        "batch_size": 4,
        "optimizer": {"type": "adam", "learning_rate": 0.02},
        "checkpoint": {"every_epochs": 1, "every_seconds": 1e-6},
        **keys,
    }


PLATEAU = spec_of(
    scheduler={"type": "plateau", "patience": 1, "factor": 0.5},
    early_stopping={"patience": 4},
)


def child(
    path: Path, spec, dropout, *, resume: bool, die_at_step: int = 0
) -> dict[str, Any]:
    asked = {
        "path": str(path),
        "spec": spec,
        "dropout": dropout,
        "die_at_step": die_at_step,
        "resume": resume,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.neural.resumable", json.dumps(asked)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    expected = -signal.SIGKILL if die_at_step else 0
    assert done.returncode == expected, done.stderr
    return json.loads(done.stdout) if done.stdout else {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spec", "dropout", "kills"),
    [
        # Within an epoch, after a checkpoint in it: blocks are 64 batches.
        (spec_of(), 0.5, [STEPS_PER_EPOCH * 2 + 70]),
        # Before any checkpoint, then just after an epoch.
        (spec_of(), 0.0, [30, STEPS_PER_EPOCH + 1]),
        # Late: scheduler and early stopping have counted already.
        (PLATEAU, 0.2, [STEPS_PER_EPOCH * 3 + 80]),
        # Every second epoch only, so that more than one is done again.
        (
            spec_of(
                optimizer={"type": "sgd", "learning_rate": 0.02, "momentum": 0.9},
                scheduler={"type": "cosine"},
                checkpoint={"every_epochs": 2, "every_seconds": 1e6},
            ),
            0.3,
            [STEPS_PER_EPOCH * 5 + 90, STEPS_PER_EPOCH * 3 + 10],
        ),
    ],
    ids=["mid-epoch", "early", "patience and plateau", "every two epochs"],
)
def test_killed_and_resumed_gives_the_same_bits(tmp_path, spec, dropout, kills):
    whole = train(tmp_path / "whole", spec, dropout=dropout, resume=False)
    path = tmp_path / "killed"
    for number, step in enumerate(kills):
        child(path, spec, dropout, resume=number > 0, die_at_step=step)
    resumed = child(path, spec, dropout, resume=True)
    # It did go on: it did not repeat what lay before the last life's checkpoints.
    n_steps = whole["epochs"] * STEPS_PER_EPOCH
    assert resumed["steps"] <= n_steps - kills[-1] + 2 * STEPS_PER_EPOCH
    for key, value in whole.items():
        assert resumed[key] == value, key


def test_the_kill_in_the_patience_window_meets_running_counts(tmp_path):
    whole = train(tmp_path / "whole", PLATEAU, dropout=0.2, resume=False)
    # The kill comes in epoch 4, one bad epoch after the best. The second one, which
    # epoch 4 becomes, lowers the rate; the stop comes later.
    assert whole["best"] == 2
    assert whole["rates"][:5] == [0.02, 0.02, 0.02, 0.02, 0.01]
    assert 5 <= whole["epochs"] < PLATEAU["epochs"]
