"""What was deployed is remembered, and two rollouts don't meet."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ktrdr.cli.kinfra.deploy.deploying import undoable
from ktrdr.cli.kinfra.deploy.history import History, Record, all_records, stamp
from ktrdr.cli.kinfra.deploy.pins import (
    kept_name,
    kept_names,
    release_others,
    running_pin,
)
from ktrdr.errors import ConflictError, NotFoundError, StorageError
from ktrdr.settings import settings
from tests.unit.cli.kinfra.deploy.world import NEW, OLD, FakeImage, World

BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KTRDR_ENVIRONMENTS", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def record(minutes: int = 0, area: str = "core", **fields: object) -> Record:
    began = BEGAN + timedelta(minutes=minutes)
    return Record.model_validate(
        {
            "id": stamp(began),
            "area": area,
            "kind": "deploy",
            "project": "homelab",
            "engine": "docker",
            "context": None,
            "folder": Path("/srv"),
            "began_at": began,
            "images": {"backend": FakeImage(NEW).pin},
            "before": {},
            **fields,
        }
    )


def test_a_record_is_read_as_it_was_last_noted():
    history = History.of("homelab", "core", None)
    first = record()
    history.note(first)
    history.note(record(1))
    history.note(first.model_copy(update={"outcome": "succeeded"}))
    read = history.records()
    assert [one.outcome for one in read] == ["succeeded", "unfinished"]
    assert read[0].images["backend"] == FakeImage(NEW).pin


def test_every_part_and_host_has_a_history_of_its_own(home):
    History.of("homelab", "core", None).note(record(1))
    History.of("homelab", "workers", "big host").note(record(0, "workers"))
    assert [one.area for one in all_records()] == ["workers", "core"]
    folders = sorted(one.name for one in (home / "deployments").iterdir())
    assert folders == ["homelab-core", "homelab-workers@big-host"]


def test_a_damaged_history_is_told_by_its_line():
    history = History.of("homelab", "core", None)
    history.note(record())
    with open(history.folder / "history.jsonl", "a") as file:
        file.write("{}\n")
    with pytest.raises(StorageError, match=r"line 2 of .*history\.jsonl"):
        history.records()


def test_a_line_that_a_crash_left_half_written_hides_no_other():
    history = History.of("homelab", "core", None)
    history.note(record())
    with open(history.folder / "history.jsonl", "ab") as file:
        file.write('{"id": "2026…'.encode()[:-1])
    assert [one.id for one in history.records()] == [record().id]
    history.note(record(1))
    assert [one.id for one in history.records()] == [record().id, record(1).id]


def test_a_second_rollout_is_refused_while_one_goes_on():
    history = History.of("homelab", "core", None)
    with history.alone():
        with pytest.raises(ConflictError, match="another rollout of homelab-core"):
            with History.of("homelab", "core", None).alone():
                pass
        with History.of("homelab", "workers", None).alone():
            pass
    with history.alone():
        pass


def test_a_rollback_undoes_the_newest_that_left_something():
    records = [
        record(0, outcome="succeeded"),
        record(1, "workers", outcome="succeeded"),
        record(2, outcome="rolled_back"),
    ]
    assert undoable(records).area == "workers"
    assert undoable(records, "core") == records[0]
    # Killed on its way, nobody knows how far it came.
    killed = record(3)
    assert undoable([*records, killed]) == killed
    with pytest.raises(NotFoundError, match="no deployment of gpu"):
        undoable(records, "gpu")


def test_an_image_keeps_its_name_from_the_rollout_that_brought_it():
    old = FakeImage(OLD)
    world = World([], {"ktrdr-backend:7": old})
    world.run_now("backend", OLD, "localhost/ktrdr-deployed/x/ktrdr-backend:aaa")
    (container,) = world.containers("backend")
    assert running_pin(world, container, {OLD: old.pin}) == old.pin
    stranger = running_pin(world, container, {})
    assert stranger is not None
    assert stranger.reference == container.reference
    world.run_now("backend", NEW)
    assert running_pin(world, world.containers("backend")[0], {}) is None


def test_images_that_no_rollback_needs_lose_their_local_name():
    old, new = FakeImage(OLD), FakeImage(NEW)
    world = World([], {"old": old, "new": new})
    for owner in ("homelab-core", "homelab-workers"):
        for one in (old, new):
            world.keep(one.identifier, kept_name(owner, one.pin))
    release_others(world, "homelab-core", [new.pin])
    assert world.kept(kept_names("homelab-core")) == (
        kept_name("homelab-core", new.pin),
    )
    assert len(world.kept(kept_names("homelab-workers"))) == 2
