"""Two sandboxes at once, each with work of its own, then gone without a trace."""

import subprocess
from pathlib import Path

import pytest

from ktrdr.cli.kinfra.canary.trial import SHORT, Trial
from ktrdr.cli.kinfra.environments.environment import Environment
from ktrdr.cli.kinfra.environments.registry import entries, find_entry
from ktrdr.cli.kinfra.environments.starting import start
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.cli.kinfra.sandboxes.sandbox import create, destroy, environment_of
from ktrdr.schemas import BacktestStart
from tests.environments.traces import traces

ROOT = Path(__file__).parents[2]
NAMES = ("left", "right")
pytestmark = pytest.mark.timeout(1800)


def git(*arguments: str) -> list[str]:
    command = ["git", "-C", str(ROOT), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.fixture
def sandboxes(engine: Engine, environments, monkeypatch):
    monkeypatch.chdir(ROOT)
    try:
        yield [environment_of(create(name), engine) for name in NAMES]
    finally:
        for entry in entries():
            destroy(entry, engine, force=True)


def backtest(environment: Environment) -> tuple[str, int]:
    """Train and backtest there; return who did it, and how many results there are."""
    with environment.client() as client:
        trial = Trial(environment, client)
        client.data.store_sample()
        trained = trial.finish(trial.train(SHORT))
        request = BacktestStart(model=(trained.result or {})["model"], resamples=100)
        done = trial.finish(client.operations.start(request).id)
        return str(done.worker), len(client.results.list())


def test_two_sandboxes_work_side_by_side_and_leave_nothing(engine: Engine, sandboxes):
    left, right = sandboxes
    urls = [start(one) for one in sandboxes]
    assert urls[0] != urls[1]
    by_left, n_left = backtest(left)
    by_right, n_right = backtest(right)
    # Each has its own result and nothing of the other.
    assert (n_left, n_right) == (1, 1)
    assert by_left != by_right
    for name, one in zip(NAMES, sandboxes, strict=True):
        destroy(find_entry(name), engine)
        assert traces(engine, one.name) == []
    assert entries() == []
    assert not [line for line in git("worktree", "list") if "environments" in line]
    assert not git("branch", "--list", "sandbox/left", "sandbox/right")
