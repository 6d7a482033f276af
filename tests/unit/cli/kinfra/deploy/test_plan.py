"""Which services a rollout replaces, in which order, and what it fetches first."""

import pytest

from ktrdr.cli.kinfra.deploy.plan import divide, fetch, wanted_references
from ktrdr.cli.kinfra.deploy.project import COMPLETED, Service
from ktrdr.cli.kinfra.deploy.references import Wanted
from ktrdr.cli.kinfra.images.engine import EngineError
from ktrdr.errors import InputError
from tests.unit.cli.kinfra.deploy.world import (
    BACKEND,
    DATABASE,
    MCP,
    MIGRATION,
    NEW,
    OLD,
    WORKER,
    FakeImage,
    World,
)

NAMES = {"ktrdr-backend", "ktrdr-worker-cpu"}


def names(services) -> list[str]:
    return [one.name for one in services]


def test_the_backend_comes_first_and_the_database_is_not_replaced():
    parts = divide([WORKER, DATABASE, MCP, BACKEND], NAMES)
    assert names(parts.ours)[0] == "backend"
    assert set(names(parts.ours)) == {"backend", "mcp", "backtest-worker-1"}
    assert names(parts.below) == ["database"]
    assert parts.above == ()
    assert parts.database == "database"


def test_who_is_needed_comes_before_who_needs():
    first = Service(name="z-worker", image=BACKEND.image)
    second = Service(
        name="a-worker", image=BACKEND.image, needs={"z-worker": "service_started"}
    )
    assert names(divide([second, first], NAMES).ours) == ["z-worker", "a-worker"]


def test_services_whose_end_others_await_are_jobs_in_their_order():
    access = Service(name="access", image=BACKEND.image, needs={"migration": COMPLETED})
    backend = Service(name="backend", image=BACKEND.image, needs={"access": COMPLETED})
    parts = divide([access, backend, MIGRATION, DATABASE], NAMES)
    assert names(parts.jobs) == ["migration", "access"]
    assert names(parts.ours) == ["backend"]
    assert names(parts.all_ours) == ["migration", "access", "backend"]


def test_others_come_before_ours_if_they_are_needed_else_after_them():
    keys = Service(name="keys", image="postgres:17")
    database = Service(name="database", image="postgres:17", needs={"keys": COMPLETED})
    backend = Service(name="backend", image=BACKEND.image, needs={"database": "x"})
    traces = Service(name="a-trace-store", image="z")
    watcher = Service(name="watcher", image="x", needs={"backend": "service_healthy"})
    view = Service(name="a-view", image="y", needs={"watcher": "service_started"})
    parts = divide([view, watcher, backend, traces, database, keys], NAMES)
    assert names(parts.below) == ["keys", "database"]
    assert names(parts.above) == ["a-trace-store", "watcher", "a-view"]
    assert parts.jobs == ()


def test_services_that_need_one_another_are_refused():
    first = Service(name="a-worker", image=BACKEND.image, needs={"b-worker": "x"})
    second = Service(name="b-worker", image=BACKEND.image, needs={"a-worker": "x"})
    with pytest.raises(InputError, match="need one another: "):
        divide([first, second], NAMES)


def test_a_project_without_ktrdr_is_refused():
    with pytest.raises(InputError, match="none of the services"):
        divide([DATABASE], NAMES)


def test_all_images_are_fetched_once_each_before_anything_else():
    parts = divide([BACKEND, WORKER], NAMES)
    world = World([], {})
    world.registry["registry:5/me/ktrdr-backend:t"] = FakeImage(NEW, labelled="2.0")
    pins = fetch(world, wanted_references(parts, Wanted.parse("t", [])), "always")
    assert world.done == ["pull registry:5/me/ktrdr-backend:t"]
    assert {pin.identifier for pin in pins.values()} == {NEW}
    assert pins["backend"].version == "2.0"


def test_an_image_that_is_here_need_not_be_pulled():
    world = World([], {BACKEND.image: FakeImage(OLD)})
    assert fetch(world, {"backend": BACKEND.image}, "missing")["backend"].identifier
    assert world.done == []
    with pytest.raises(EngineError, match="no such image"):
        fetch(world, {"backend": BACKEND.image}, "always")
