"""How an environment is shown, and by which exit code."""

import json
from pathlib import Path

import pytest
import typer

from ktrdr.cli.kinfra.compose import Compose, Project
from ktrdr.cli.kinfra.environments.environment import Environment
from ktrdr.cli.kinfra.environments.view import tell_status
from ktrdr.cli.kinfra.images.engine import Engine

ENVIRONMENT = Environment(
    compose=Compose(
        Engine("docker"),
        Project(name="x", folder=Path("/x"), files=(Path("/x/a.yml"),)),
    ),
    secrets=Path("/x/secrets"),
    command="kinfra x ...",
)


def runs(docker, *services: tuple[str, str, str]) -> None:
    documents = [
        {
            "Id": service,
            "Name": service,
            "Image": "sha256:1",
            "HostConfig": {"RestartPolicy": {"Name": policy}},
            "Config": {"Labels": {"com.docker.compose.service": service}},
            "State": {"ExitCode": 0, "Status": state},
        }
        for service, policy, state in services
    ]
    docker.answer("ps --all", out="\n".join(service for service, *_ in services))
    docker.answer("container inspect", out=json.dumps(documents))


def test_all_are_well_where_services_run_and_jobs_are_done(docker, capsys):
    job = ("migrate", "no", "exited")
    runs(docker, job, ("backend", "unless-stopped", "running"))
    tell_status(ENVIRONMENT, as_json=True)
    # Somebody has stopped it.
    runs(docker, job, ("backend", "unless-stopped", "exited"))
    with pytest.raises(typer.Exit) as ended:
        tell_status(ENVIRONMENT, as_json=True)
    assert ended.value.exit_code == 1
    capsys.readouterr()
