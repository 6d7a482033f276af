"""The question to a container, put to servers that really answer."""

import asyncio
import subprocess
import sys

import pytest

from ktrdr.cli.kinfra.compose import Container
from ktrdr.cli.kinfra.deploy.probe import Report, Role, ask
from ktrdr.cli.kinfra.images.engine import Done
from ktrdr.workers.health import free_socket, health_app, served
from ktrdr.workers.metrics import WorkerMetrics
from tests.unit.cli.kinfra.deploy.world import World

pytestmark = pytest.mark.anyio


class Here(World):
    """A project whose containers are this machine."""

    def __init__(self) -> None:
        super().__init__([], {})

    def ask(self, container: str, *command: str, stdin: str = "") -> Done:
        assert command[0] == "python"
        done = subprocess.run(
            [sys.executable, *command[1:]], input=stdin, capture_output=True, text=True
        )
        return Done(code=done.returncode, out=done.stdout, err=done.stderr)


def container_at(port: int) -> Container:
    ports = {"KTRDR_WORKER_PORT": str(port), "KTRDR_PORT": str(port)}
    return Container(
        identifier="c",
        name="c",
        service="",
        image="",
        reference="",
        state="running",
        health=None,
        restarts=0,
        is_job=False,
        exit_code=0,
        variables=ports,
    )


async def asked(role: Role, problems: list[str]) -> Report:
    """Ask a worker's own server."""
    build = {"version": "1.2.3", "commit": "abc+dirty", "python": "3.13"}
    metrics = WorkerMetrics({"name": "worker-1"}, build)
    listening = free_socket("127.0.0.1", 0)
    container = container_at(listening.getsockname()[1])
    async with served(health_app(metrics, lambda: problems), listening):
        return await asyncio.to_thread(ask, Here(), container, role, "")


async def test_a_worker_tells_its_build_once_it_takes_work():
    report = await asked("worker", [])
    assert report == Report(is_ready=True, commit="abc+dirty", version="1.2.3")


async def test_a_worker_that_takes_no_work_tells_why():
    report = await asked("worker", ["the worker is starting"])
    assert not report.is_ready
    assert report.reason is not None
    assert "the worker is starting" in report.reason


async def test_a_server_of_another_kind_is_not_ready():
    assert not (await asked("backend", [])).is_ready


async def test_who_does_not_listen_is_not_ready():
    listening = free_socket("127.0.0.1", 0)
    port = listening.getsockname()[1]
    listening.close()
    report = await asyncio.to_thread(ask, Here(), container_at(port), "worker", "")
    assert not report.is_ready
    assert report.reason is not None
    assert "refused" in report.reason
