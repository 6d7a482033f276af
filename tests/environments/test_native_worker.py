"""A worker that runs on the machine itself joins the local environment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ktrdr.cli.kinfra.canary.trial import SHORT, Trial
from ktrdr.cli.kinfra.compose import Compose, Project
from ktrdr.cli.kinfra.environments.environment import Environment
from ktrdr.cli.kinfra.environments.starting import start
from ktrdr.cli.kinfra.images.engine import Engine
from tests.contracts.environments.composed import FOLDER
from tests.environments.traces import traces
from tests.unit.workers.processes import wait_until

NAME = "ktrdr-test-local"
PORTS = {"KTRDR_API_PORT": "18200", "KTRDR_DATABASE_PORT": "15632"}
pytestmark = pytest.mark.timeout(1800)


@pytest.fixture
def local(engine: Engine, tmp_path: Path):
    data, secrets = tmp_path / "data", tmp_path / "secrets"
    data.mkdir()
    given = {
        **PORTS,
        "KTRDR_SECRETS": str(secrets),
        "KTRDR_DATA": str(data),
        # The machine's own user, as both sides write there.
        "KTRDR_USER": f"{os.getuid()}:{os.getgid()}",
        "KTRDR_TRAINING_WORKERS": "0",
    }
    folder = FOLDER / "local"
    project = Project(
        name=NAME, folder=folder, files=(folder / "docker-compose.yml",), given=given
    )
    environment = Environment(
        compose=Compose(engine, project), secrets=secrets, command="compose ..."
    )
    try:
        start(environment, ("database-password", "metrics-token"))
        yield environment, data
    finally:
        environment.compose.down(with_data=True)
        assert traces(engine, NAME) == []


def test_a_worker_beside_the_containers_trains_for_their_backend(local, tmp_path):
    environment, data = local
    port = PORTS["KTRDR_DATABASE_PORT"]
    own = {
        "KTRDR_DATABASE_URL": f"postgresql://ktrdr@127.0.0.1:{port}/ktrdr",
        "KTRDR_DATABASE_PASSWORD_FILE": str(environment.secrets / "database-password"),
        "KTRDR_STORE_URL": str(data / "store"),
        "KTRDR_HOME": str(tmp_path / "home"),
        "KTRDR_WORKER_NAME": "beside",
        "KTRDR_WORKER_PORT": "0",
    }
    command = [sys.executable, "-m", "ktrdr", "worker", "training", "--device", "cpu"]
    worker = subprocess.Popen(command, env={**os.environ, **own})
    try:
        with environment.client() as client:

            def is_ready() -> bool:
                states = {one.name: one.state for one in client.system.workers()}
                return states.get("beside") == "ready"

            assert wait_until(is_ready, 60)
            trial = Trial(environment, client)
            client.data.store_sample()
            assert trial.finish(trial.train(SHORT)).worker == "beside"
    finally:
        worker.terminate()
        assert worker.wait(60) == 0
