"""The canary comes up, does real work, and is gone afterwards."""

import json
import subprocess
import sys

import pytest

from ktrdr.cli.kinfra.images.engine import Engine
from tests.environments.traces import nameless_volumes, traces

CHECKS = [
    *("services", "builds", "access", "worker registration", "training", "backtest"),
    *("cancel", "killed worker", "wrong image for a worker"),
]
KINFRA = "import sys; from ktrdr.cli.kinfra.main import main; main()"
pytestmark = pytest.mark.timeout(1800)


def kinfra(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", KINFRA, "canary", *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def canary(engine: Engine):
    done = kinfra("up")
    assert done.returncode == 0
    yield
    assert kinfra("down").returncode == 0
    assert traces(engine, "ktrdr-canary") == []


def test_the_canary_does_real_work_and_leaves_nothing(canary, engine: Engine):
    done = kinfra("test", "--json")
    report = json.loads(done.stdout)
    for one in report["checks"]:
        print(f"{one['outcome']}  {one['name']}: {one['detail']}  {one['seconds']} s")
    assert [one["name"] for one in report["checks"]] == CHECKS
    assert {one["outcome"] for one in report["checks"]} == {"passed"}
    assert done.returncode == 0
    assert kinfra("status").returncode == 0
    assert nameless_volumes(engine, "ktrdr-canary") == []
