"""One by one, and back if one fails."""

from dataclasses import replace
from pathlib import Path

import pytest

from ktrdr.cli.kinfra.deploy.database import Saved
from ktrdr.cli.kinfra.deploy.gate import Gate
from ktrdr.cli.kinfra.deploy.pins import kept_name
from ktrdr.cli.kinfra.deploy.plan import Plan, divide
from ktrdr.cli.kinfra.deploy.rollout import RolledBackError, Rollout, StuckError
from ktrdr.cli.kinfra.deploy.schema_change import SchemaChange
from ktrdr.cli.kinfra.images.engine import EngineError
from ktrdr.errors import ConflictError
from tests.unit.cli.kinfra.deploy.world import (
    BACKEND,
    MCP,
    NEW,
    OLD,
    WORKER,
    FakeImage,
    World,
)

SERVICES = (BACKEND, MCP, WORKER)
ORDER = ["backend", "backtest-worker-1", "mcp"]


class SavedDatabase:
    """Stands for the database's own programs."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._kept: tuple[int, list[str]] | None = None

    def back_up(self, path: Path) -> Saved:
        database = self._world.database
        assert self._world.running == {}, "nothing writes while it is saved"
        self._kept = (database.schema, list(database.operations))
        self._world.done.append("back up")
        return Saved(path=path, last=len(database.operations))

    def restore(self, saved: Saved) -> None:
        assert self._kept is not None
        assert self._world.jobs == [], "no migration runs while it is undone"
        self._world.database.schema = self._kept[0]
        self._world.database.operations = list(self._kept[1])
        self._world.done.append("restore")

    def end_connections(self) -> None:
        self._world.done.append("end connections")

    def refuse_to_lose(self, saved: Saved) -> None:
        if len(self._world.database.operations) > saved.last:
            raise ConflictError("operations were made since")


def make(new: FakeImage, *, runs: bool = True, migrates: bool = False):
    old = FakeImage(OLD)
    world = World(SERVICES, {"old": old, "new": new})
    names = [one.name for one in SERVICES]
    if runs:
        for name in names:
            world.run_now(name, OLD)
    world.database.operations = ["first"]
    plan = Plan(
        parts=divide(SERVICES, {"ktrdr-backend"}),
        pins=dict.fromkeys(names, new.pin),
        before=dict.fromkeys(names, old.pin) if runs else {},
    )
    rollout = Rollout(
        world,
        plan,
        owner="test-core",
        change=migration(world) if migrates else None,
        gate=Gate(project=world, limit_s=0.02, pause_s=0.001),
        tell=lambda line: None,
        note=world.saved.append,
    )
    for one in (old, new):
        world.keep(one.identifier, kept_name("test-core", one.pin))
    return world, rollout


def migration(world: World) -> SchemaChange:
    def apply() -> None:
        world.database.schema = 2
        world.done.append("migrate")
        if world.migration_fails:
            raise EngineError("the migration failed")

    return SchemaChange(
        what="migration",
        stops=True,
        backup_path=Path("x.dump"),
        database=SavedDatabase(world),  # type: ignore[arg-type]
        apply=apply,
    )


def test_services_are_replaced_one_by_one_the_backend_first():
    world, rollout = make(FakeImage(NEW, labelled="2.0", reported="2.0"))
    rollout.run()
    assert world.done == [f"up {name} 2.0" for name in ORDER]
    assert set(world.running.values()) == {NEW}
    assert world.saved == []


@pytest.mark.parametrize(
    "image",
    [
        FakeImage(NEW, "unhealthy", labelled="2.0", reported="2.0"),
        FakeImage(NEW, "crashes", labelled="2.0", reported="2.0"),
        FakeImage(NEW, "starts again", labelled="2.0", reported="2.0"),
        FakeImage(NEW, "never ready", labelled="2.0", reported="2.0"),
        FakeImage(NEW, labelled="2.0", reported="1.0"),
    ],
)
def test_a_service_that_fails_runs_its_earlier_image_again(image):
    world, rollout = make(image)
    with pytest.raises(RolledBackError, match=r"backend runs .* again") as failed:
        rollout.run()
    assert "last words of backend" in str(failed.value)
    # Those after it were not touched.
    assert world.done == ["up backend 2.0", "up backend 1.0"]
    assert world.running == dict.fromkeys(ORDER, OLD)


def test_all_that_were_replaced_go_back_if_a_later_one_fails(monkeypatch):
    world, rollout = make(FakeImage(NEW, labelled="2.0", reported="2.0"))
    up = world.up

    def up_but_mcp(service: str, image: str) -> None:
        if service == "mcp" and world.images[image].identifier == NEW:
            raise EngineError("the port is taken")
        up(service, image)

    monkeypatch.setattr(world, "up", up_but_mcp)
    with pytest.raises(RolledBackError, match="the port is taken"):
        rollout.run()
    assert world.running == dict.fromkeys(ORDER, OLD)


def test_what_did_not_run_before_is_removed():
    world, rollout = make(FakeImage(NEW, "unhealthy"), runs=False)
    with pytest.raises(RolledBackError, match="backend did not run before"):
        rollout.run()
    assert world.running == {}
    assert world.containers("backend") == ()


def test_who_interrupts_gets_back_what_ran(monkeypatch):
    world, rollout = make(FakeImage(NEW, labelled="2.0", reported="2.0"))
    ask = world.ask

    def interrupted(container: str, *command: str, stdin: str = ""):
        monkeypatch.setattr(world, "ask", ask)
        raise KeyboardInterrupt

    monkeypatch.setattr(world, "ask", interrupted)
    with pytest.raises(KeyboardInterrupt):
        rollout.run()
    assert world.running == dict.fromkeys(ORDER, OLD)


def test_a_way_back_that_fails_is_told_with_what_ran_before():
    world, rollout = make(FakeImage(NEW, "unhealthy", labelled="2.0"))
    sick = FakeImage(OLD, "unhealthy")
    world.images |= {"old": sick, kept_name("test-core", sick.pin): sick}
    with pytest.raises(StuckError, match="the way back failed") as failed:
        rollout.run()
    assert "What ran before: backend: ktrdr-backend:1.0" in str(failed.value)


def refuse(world: World, monkeypatch, service: str, identifier: str, times: int):
    """Let the link to the host fail whenever the service is to run that image."""
    up, left = world.up, [times]

    def unsteady(name: str, image: str) -> None:
        if name == service and world.images[image].identifier == identifier and left[0]:
            left[0] -= 1
            raise EngineError(f"no route to {service}")
        up(name, image)

    monkeypatch.setattr(world, "up", unsteady)


def test_a_moment_without_network_does_not_end_the_way_back(monkeypatch):
    world, rollout = make(FakeImage(NEW, labelled="2.0", reported="2.0"))
    refuse(world, monkeypatch, "mcp", NEW, times=1)
    refuse(world, monkeypatch, "backend", OLD, times=2)
    with pytest.raises(RolledBackError, match="no route to mcp"):
        rollout.run()
    assert world.running == dict.fromkeys(ORDER, OLD)


def test_one_that_does_not_go_back_keeps_no_other_from_it(monkeypatch):
    world, rollout = make(FakeImage(NEW, labelled="2.0", reported="2.0"))
    refuse(world, monkeypatch, "mcp", NEW, times=1)
    refuse(world, monkeypatch, "backend", OLD, times=1000)
    with pytest.raises(StuckError, match="back failed: backend: no route to backend"):
        rollout.run()
    assert world.running == {**dict.fromkeys(ORDER, OLD), "backend": NEW}


def test_the_database_is_saved_before_its_migration_while_nothing_writes():
    image = FakeImage(NEW, labelled="2.0", reported="2.0", knows=2)
    world, rollout = make(image, migrates=True)
    rollout.run()
    assert world.done[:5] == [
        *(f"stop {name}" for name in reversed(ORDER)),
        "back up",
        "migrate",
    ]
    assert world.saved == [Saved(path=Path("x.dump"), last=1)]
    assert set(world.running.values()) == {NEW}


@pytest.mark.parametrize("migration_fails", [False, True])
def test_a_failure_after_a_migration_restores_the_database_too(migration_fails):
    world, rollout = make(FakeImage(NEW, "unhealthy", knows=2), migrates=True)
    world.migration_fails = migration_fails
    with pytest.raises(RolledBackError):
        rollout.run()
    # The earlier image knows schema 1 alone.
    assert world.database.schema == 1
    assert world.database.operations == ["first"]
    assert world.running == dict.fromkeys(ORDER, OLD)


def test_a_migration_that_is_interrupted_ends_before_it_is_undone():
    world, rollout = make(FakeImage(NEW, knows=2), migrates=True)

    def interrupted() -> None:
        world.jobs.append("migration")
        world.database.schema = 2
        raise KeyboardInterrupt

    rollout._change = replace(rollout._change, apply=interrupted)
    with pytest.raises(KeyboardInterrupt):
        rollout.run()
    assert world.jobs == []
    assert world.database.schema == 1
    assert world.running == dict.fromkeys(ORDER, OLD)


def test_operations_made_since_the_backup_are_not_lost():
    image = FakeImage(NEW, labelled="2.0", reported="1.0", knows=2)
    world, rollout = make(image, migrates=True)
    world.arriving = ["second"]
    with pytest.raises(StuckError, match="operations were made since"):
        rollout.run()
    assert world.database.operations == ["first", "second"]
    assert "restore" not in world.done
