"""What others' images run is started, prepared again, or told to be outdated."""

from dataclasses import replace
from pathlib import Path

import pytest

from ktrdr.cli.kinfra.deploy.areas import Area
from ktrdr.cli.kinfra.deploy.gate import Gate
from ktrdr.cli.kinfra.deploy.history import History
from ktrdr.cli.kinfra.deploy.plan import divide
from ktrdr.cli.kinfra.deploy.project import COMPLETED, Service
from ktrdr.cli.kinfra.deploy.target import Target
from ktrdr.cli.kinfra.images.engine import Done, EngineError
from tests.unit.cli.kinfra.deploy.world import BACKEND, World

KEYS = Service(name="keys", image="postgres:17")
DATABASE = Service(name="database", image="postgres:17", needs={"keys": COMPLETED})
NEEDY = replace(BACKEND, needs={"database": "service_healthy"})
WATCHER = Service(name="watcher", image="x", needs={"backend": "service_healthy"})


class Host(World):
    """A host whose database can be told to read its files again."""

    def __init__(self) -> None:
        super().__init__([KEYS, DATABASE, WATCHER, NEEDY], {})
        self.code = 0
        self.changed = {"keys", "database", "watcher"}

    def run(self, service: str, image: str, *command: str) -> Done:
        self.done.append(f"run {service} {image}")
        return Done(code=self.code, out="", err="no room")

    def ask(self, container: str, *command: str, stdin: str = "") -> Done:
        self.done.append(f"ask {container} {' '.join(command)}")
        return Done(code=self.code, out="", err="no such file")

    def is_outdated(self, service: str) -> bool:
        return service in self.changed


@pytest.fixture
def host() -> Host:
    return Host()


def target(host: Host) -> Target:
    return Target(
        area=Area(name="core", file=Path("/x.yml")),
        folder=Path("/"),
        engine="docker",
        context=None,
        project=host,
        history=History(Path("/nowhere")),
        parts=divide(host.services(), {"ktrdr-backend"}),
    )


def start(host: Host) -> None:
    one = target(host)
    one.start(one.parts.below, Gate(project=host, pause_s=0))


def test_what_ends_is_run_each_time_and_the_database_told(host):
    start(host)
    assert host.done == ["run keys postgres:17", "start database"]
    host.done.clear()
    start(host)
    assert host.done == [
        "run keys postgres:17",
        "ask container of database pg_ctl reload",
    ]


@pytest.mark.parametrize("is_job", [False, True])
def test_a_database_that_was_stopped_in_good_order_is_started_again(host, is_job):
    start(host)
    host.stop("database")
    if is_job:
        # The files give it no policy by which it would be started again.
        host.turn_into_job("database")
    host.done.clear()
    start(host)
    assert host.done == ["run keys postgres:17", "start database"]


def test_who_watches_and_was_stopped_is_started_again_unless_it_is_a_job(host):
    one, gate = target(host), Gate(project=host, pause_s=0)
    one.start(one.parts.above, gate)
    host.stop("watcher")
    host.done.clear()
    one.start(one.parts.above, gate)
    assert host.done == ["start watcher"]
    host.stop("watcher")
    host.turn_into_job("watcher")
    host.done.clear()
    one.start(one.parts.above, gate)
    assert host.done == []


def test_a_preparation_that_fails_ends_the_start(host):
    host.code = 1
    with pytest.raises(EngineError, match="keys failed: no room"):
        start(host)
    assert host.done == ["run keys postgres:17"]


def test_those_that_run_otherwise_than_the_files_say_are_told(host):
    assert target(host).outdated() == []
    host.run_now("database", "sha256:" + "0" * 64)
    assert target(host).outdated() == ["database"]
    host.changed = {"watcher"}
    assert target(host).outdated() == []
