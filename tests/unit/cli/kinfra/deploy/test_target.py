"""What a rollout leaves behind, however it ends."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from ktrdr.cli.kinfra.compose import Container
from ktrdr.cli.kinfra.deploy.areas import Area
from ktrdr.cli.kinfra.deploy.deploying import undoable
from ktrdr.cli.kinfra.deploy.gate import Gate
from ktrdr.cli.kinfra.deploy.history import History
from ktrdr.cli.kinfra.deploy.pins import keep_all
from ktrdr.cli.kinfra.deploy.plan import Plan, divide
from ktrdr.cli.kinfra.deploy.rollout import StuckError
from ktrdr.cli.kinfra.deploy.target import Target
from ktrdr.cli.kinfra.images.engine import EngineError
from tests.unit.cli.kinfra.deploy.test_history import record
from tests.unit.cli.kinfra.deploy.world import (
    BACKEND,
    MCP,
    NEW,
    OLD,
    FakeImage,
    World,
)


def target(world: World, folder: Path) -> Target:
    return Target(
        area=Area(name="core", file=folder / "x.yml"),
        folder=folder,
        engine="docker",
        context=None,
        project=world,
        history=History(folder / "test-core"),
        parts=divide(world.services(), {"ktrdr-backend"}),
    )


class Interrupted(World):
    """An interrupt comes at the first new container, ``second`` on the way back."""

    def __init__(self, second):
        self.old, self.new = FakeImage(OLD), FakeImage(NEW, labelled="2.0")
        super().__init__([BACKEND, MCP], {"old": self.old, "new": self.new})
        self._second = second

    def up(self, service: str, image: str) -> None:
        super().up(service, image)
        if image.endswith("b" * 64):
            raise KeyboardInterrupt
        self._second()

    def deploy(self, one: Target, tell=lambda line: None) -> None:
        for name in ("backend", "mcp"):
            self.run_now(name, OLD)
        pins = dict.fromkeys(("backend", "mcp"), self.new.pin)
        plan = Plan(parts=one.parts, pins=pins, before=one.running())
        keep_all(self, one.history.owner, plan.all_pins)
        begun = one.new_record(plan, "deploy")
        gate = Gate(project=self, limit_s=0.02, pause_s=0.001)
        one.carry_out(plan, record=begun, change=None, gate=gate, tell=tell)


def test_a_way_back_that_was_cut_short_is_on_record_to_be_undone(tmp_path):
    def full() -> None:
        raise RuntimeError("no room for a variable")

    world = Interrupted(full)
    one = target(world, tmp_path)
    with pytest.raises(StuckError, match="no room"):
        world.deploy(one)
    (noted,) = one.history.records()
    assert noted.outcome == "stuck"
    assert undoable(one.history.records()) == noted


def test_what_succeeded_has_though_names_of_images_can_not_be_forgotten(
    tmp_path, monkeypatch
):
    told: list[str] = []
    world = World([BACKEND], {"old": FakeImage(OLD), "new": FakeImage(NEW)})
    one = target(world, tmp_path)
    plan = Plan(parts=one.parts, pins={"backend": FakeImage(NEW).pin}, before={})
    keep_all(world, one.history.owner, plan.all_pins)

    def silent(prefix: str) -> tuple[str, ...]:
        raise EngineError("no route to the host")

    monkeypatch.setattr(world, "kept", silent)
    done = one.carry_out(
        plan,
        record=one.new_record(plan, "deploy"),
        change=None,
        gate=Gate(project=world, limit_s=0.02, pause_s=0.001),
        tell=told.append,
    )
    assert done.outcome == one.history.records()[0].outcome == "succeeded"
    assert told[-1].endswith("until the next success: no route to the host")


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def number(request):
    # Whatever runs the tests may have it ignored.
    before = signal.signal(request.param, signal.default_int_handler)
    yield request.param
    signal.signal(request.param, before)


def test_who_asks_to_stop_again_still_gets_what_ran(tmp_path, number):
    told: list[str] = []
    world = Interrupted(lambda: os.kill(os.getpid(), number))
    one = target(world, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        world.deploy(one, told.append)
    assert world.running == {"backend": OLD, "mcp": OLD}
    assert one.history.records()[0].outcome == "rolled_back"
    assert "the way back goes on to its end" in told
    assert signal.getsignal(number) == signal.default_int_handler


def test_a_terminal_that_closed_does_not_end_the_way_back(tmp_path):
    world = Interrupted(lambda: None)
    one = target(world, tmp_path)

    def closed(line: str) -> None:
        if "up backend 2.0" in world.done:
            raise BrokenPipeError

    with pytest.raises(KeyboardInterrupt):
        world.deploy(one, closed)
    assert world.running == {"backend": OLD, "mcp": OLD}


def test_what_a_rollout_that_was_killed_left_does_not_stay(tmp_path):
    world = World([BACKEND], {})
    world.jobs.append("migration")
    one = target(world, tmp_path)
    left = one.history.backups / "restoring"
    left.mkdir(parents=True)
    (left / "statements.sql").write_text("hashes of tokens")
    (one.history.backups / "x.dump").write_text("")
    with one.alone():
        assert [path.name for path in one.history.backups.iterdir()] == ["x.dump"]
        assert world.jobs == []


class Mixed(World):
    """A backend whose first container is not like its second."""

    def containers(self, service: str) -> tuple[Container, ...]:
        first, second = FakeImage(NEW, labelled="2.0"), FakeImage(OLD)
        self.images |= {"new": first, "old": second}
        self.run_now(service, NEW, "new")
        (one,) = super().containers(service)
        return (one, replace(one, identifier="second", image=OLD, reference="old"))


def test_where_images_differ_what_was_deployed_last_counts(tmp_path):
    told: list[str] = []
    one = target(Mixed([BACKEND], {}), tmp_path)
    assert one.running()["backend"].identifier == NEW
    one.history.note(
        record(0, outcome="succeeded", images={"backend": FakeImage(OLD).pin})
    )
    # Killed on its way.
    one.history.note(record(1, images={"backend": FakeImage(NEW).pin}))
    assert one.running(told.append)["backend"].identifier == OLD
    assert told == [
        "backend: its images differ, taken as ktrdr-backend:1.0 (aaaaaaaaaaaa)"
    ]


def test_containers_that_ought_not_to_be_are_told(tmp_path):
    told: list[str] = []
    world = World([BACKEND], {})
    world.left_over.append("backtest-worker-2")
    target(world, tmp_path).tell_leftovers(told.append)
    (line,) = told
    assert line.startswith("backtest-worker-2: is to have no container")
