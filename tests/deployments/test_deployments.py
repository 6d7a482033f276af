"""Rollouts on a real engine: what ran before runs again, and nothing is lost."""

import json
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from ktrdr.cli.kinfra.deploy.gate import Gate
from ktrdr.cli.kinfra.deploy.rollout import RolledBackError
from ktrdr.cli.kinfra.deploy.target import Target
from ktrdr.cli.kinfra.images.engine import EngineError
from ktrdr.errors import ConflictError, InputError
from ktrdr.schemas import BacktestStart, ProbesStart
from tests.deployments.registry import Registry
from tests.deployments.system import COMMIT, System

pytestmark = pytest.mark.timeout(900)
WORKERS = ("backtest-worker-1", "backtest-worker-2")
_DONE_S = 120.0


def serves(system: System, release: str) -> None:
    """Make sure that the backend runs the release's very image, and answers."""
    assert system.container("backend")["image"] == system.identifier(release)
    with system.client() as client:
        assert client.system.ready().status == "ready"
        states = {one.name: one.state for one in client.system.workers()}
        assert "ready" in states.values()


def states(system: System, ids: set[str]) -> set[str]:
    with system.client() as client:
        return {client.operations.get(one).state for one in ids}


def await_states(system: System, ids: set[str], state: str) -> None:
    deadline_s = time.monotonic() + _DONE_S
    while (found := states(system, ids)) != {state}:
        assert time.monotonic() < deadline_s, found
        time.sleep(0.2)


def await_completed(system: System, ids: set[str]) -> None:
    await_states(system, ids, "completed")


def probes(
    system: System, queue: Literal["backtest", "training-cpu"], n: int
) -> set[str]:
    """Put operations into a queue."""
    with system.client() as client:
        made = client.system.probe(ProbesStart(queue=queue, n=n))
    return {one.id for one in made}


def backtests(system: System, n: int) -> set[str]:
    """Begin operations that last for longer than a backend is gone."""
    # Some 30 s, nearly all of them for intervals and null models.
    start = BacktestStart(model="minimal", part="all", resamples=25_000)
    with system.client() as client:
        ids = {client.operations.start(start).id for _ in range(n)}
    await_states(system, ids, "running")
    return ids


def operations(system: System) -> set[str]:
    return set(system.query("SELECT id FROM ktrdr.operations").split())


def migrations(system: System) -> str:
    return system.query("SELECT max(name) FROM ktrdr.migrations")


def last_record(system: System) -> dict[str, object]:
    items = json.loads(system.kinfra("history", "--json").stdout)["items"]
    found: dict[str, object] = items[0]
    return found


def test_what_was_deployed_serves_and_is_on_record(good):
    serves(good, "good")
    items = json.loads(good.kinfra("history", "--json").stdout)["items"]
    assert [(one["area"], one["outcome"]) for one in items] == [
        ("workers", "succeeded"),
        ("core", "succeeded"),
    ]
    assert {one["host"] for one in items} == {good.engine.identity(None)}


def test_a_database_that_runs_shows_the_certificate_that_is_asked_for(good):
    variables = good.folder / ".env"
    told = variables.read_text()
    began = good.container("database")["began"]
    target = Target.find("core", folder=good.folder)
    gate = Gate(project=target.project)
    assert target.outdated() == []
    try:
        names = "KTRDR_DATABASE_NAMES=lab.example\nKTRDR_DATABASE_MEMORY=1g\n"
        variables.write_text(f"{told}{names}")
        target.start(target.parts.below, gate)
        assert "DNS:lab.example" in good.certificate()
        assert target.outdated() == ["database"]
    finally:
        variables.write_text(told)
        target.start(target.parts.below, gate)
    assert "lab.example" not in good.certificate()
    assert good.container("database")["began"] == began


def test_an_empty_database_needs_an_admin(good, tmp_path):
    # Another project of the same files, with a database of its own.
    shutil.copytree(good.folder.parent, tmp_path, dirs_exist_ok=True)
    other = replace(good, name=f"{good.name}-2", folder=tmp_path / "homelab")
    variables = other.folder / ".env"
    told = variables.read_text().replace(good.name, other.name)
    # The images are the same.
    told = told.replace(f"localhost/{other.name}", f"localhost/{good.name}")
    variables.write_text(told)
    try:
        done = other.deploy("core", "good")
        assert isinstance(done.exception, InputError)
        assert "--admin NAME" in str(done.exception)
        assert other.query("SELECT to_regclass('ktrdr.operations')") == ""
    finally:
        other.compose("down", "--volumes", "--timeout=3")


def test_a_release_comes_by_tag_or_digest_and_goes_by_rollback(good, tmp_path):
    engine = good.engine
    with Registry(engine, tmp_path).serving() as registry:
        local = f"{good.images}/ktrdr-backend"
        digest = registry.add(f"{local}:next", "me/ktrdr-backend", "sha-111")
        remote = f"{registry.address}/me"
        elsewhere = good.folder / ".env"
        variables = elsewhere.read_text()
        elsewhere.write_text(
            variables.replace(f"REGISTRY={good.images}", f"REGISTRY={remote}")
        )
        how = ("--folder", str(good.folder), "--json")
        try:
            for which in ("--tag=sha-111", f"--digest={digest}"):
                done = good.kinfra("deploy", "core", which, *how)
                assert done.exit_code == 0, done.exception
                serves(good, "next")
                pin = json.loads(done.stdout)["images"]["backend"]
                assert pin["digest"] == f"{remote}/ktrdr-backend@{digest}"
                assert pin["commit"] == COMMIT
                undone = good.kinfra("rollback", "core", "--json")
                assert undone.exit_code == 0, undone.exception
                serves(good, "good")
        finally:
            elsewhere.write_text(variables)
            for end in (":sha-111", f"@{digest}"):
                engine.attempt("image", "rm", f"{remote}/ktrdr-backend{end}")


def test_a_pull_that_fails_leaves_what_runs_untouched(good):
    before = good.container("backend")
    done = good.kinfra("deploy", "core", "--folder", str(good.folder), "--tag=nowhere")
    assert isinstance(done.exception, EngineError)
    assert good.container("backend") == before


def test_a_release_that_crashes_gives_way_and_no_operation_is_lost(good):
    waiting, running = probes(good, "training-cpu", 5), backtests(good, 1)
    done = good.deploy("core", "crashes")
    assert isinstance(done.exception, RolledBackError)
    assert "planted crash" in str(done.exception)
    serves(good, "good")
    assert states(good, waiting) == {"pending"}
    await_completed(good, running | probes(good, "backtest", 5))
    assert last_record(good)["outcome"] == "rolled_back"


def test_a_release_whose_health_fails_gives_way_and_no_operation_is_lost(good):
    waiting, running = probes(good, "training-cpu", 5), backtests(good, 1)
    # It serves all the while, and only its health check fails.
    done = good.deploy("core", "sick", "--wait=40")
    assert isinstance(done.exception, RolledBackError)
    assert "backend: not ready after 40 s: running, starting" in str(done.exception)
    serves(good, "good")
    assert states(good, waiting) == {"pending"}
    await_completed(good, running | probes(good, "backtest", 5))
    assert last_record(good)["outcome"] == "rolled_back"


def await_image(system: System, release: str) -> None:
    """Wait until the backend is a container of the release."""
    deadline_s = time.monotonic() + _DONE_S
    expected = [system.identifier(release)]
    while [one["image"] for one in system.containers("backend")] != expected:
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def test_a_rollout_that_is_interrupted_goes_back(good):
    with good.begin_deploying("core", "sick") as process:
        await_image(good, "sick")
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=_DONE_S)
    assert process.returncode == 130, told
    serves(good, "good")
    assert last_record(good)["outcome"] == "rolled_back"


def test_a_rollout_that_was_killed_is_undone_by_rollback(good):
    with good.begin_deploying("core", "sick") as process:
        await_image(good, "sick")
        process.kill()
        process.communicate()
    assert last_record(good)["outcome"] == "unfinished"
    undone = good.kinfra("rollback", "--wait=90")
    assert undone.exit_code == 0, undone.exception
    serves(good, "good")
    await_completed(good, probes(good, "backtest", 3))


def test_an_image_that_is_not_what_it_says_is_refused(good):
    done = good.deploy("core", "lies")
    assert isinstance(done.exception, RolledBackError)
    assert f"expected {'2' * 40}" in str(done.exception)
    serves(good, "good")


def test_a_worker_of_another_release_is_refused_with_the_reason(good):
    done = good.deploy("workers", "foreign")
    assert isinstance(done.exception, RolledBackError)
    assert "this worker has version 9.9.9 and the backend 0.1.0" in str(done.exception)
    serves(good, "good")


def test_work_that_a_failing_release_of_workers_broke_off_is_done(good):
    running = backtests(good, 2)
    done = good.deploy("workers", "sick", "--wait=40")
    assert isinstance(done.exception, RolledBackError)
    await_completed(good, running)
    with good.client() as client:
        found = [client.operations.get(one) for one in running]
    # One was at work in the container that gave way; handing back is no failure.
    assert max(one.attempt for one in found) > 1
    assert [one.failures for one in found] == [0, 0]


def test_every_container_of_a_service_gets_a_release_and_goes_back(good):
    def images() -> set[str]:
        found = [one for name in WORKERS for one in good.containers(name)]
        assert len(found) == 4
        return {one["image"] for one in found}

    good.scale(2)
    try:
        done = good.deploy("workers", "next")
        assert done.exit_code == 0, done.exception
        assert images() == {good.identifier("next")}
        done = good.deploy("workers", "sick", "--wait=40")
        assert isinstance(done.exception, RolledBackError)
        assert images() == {good.identifier("next")}
        await_completed(good, probes(good, "backtest", 8))
    finally:
        good.scale(1)
        done = good.deploy("workers", "good")
        assert done.exit_code == 0, done.exception


def test_a_crash_after_a_migration_brings_back_the_database(good):
    steps, waiting = migrations(good), probes(good, "training-cpu", 3)
    done = good.deploy("core", "schema-crashes")
    assert isinstance(done.exception, RolledBackError)
    assert "planted crash" in str(done.exception)
    assert migrations(good) == steps
    assert good.query("SELECT to_regclass('ktrdr.planted')") == ""
    serves(good, "good")
    assert states(good, waiting) == {"pending"}
    await_completed(good, probes(good, "backtest", 3))


def test_a_migration_is_saved_first_and_undone_unless_work_would_be_lost(good):
    steps = migrations(good)
    done = good.deploy("core", "schema", "--json")
    assert done.exit_code == 0, done.exception
    assert migrations(good) == "0099_planted"
    assert Path(json.loads(done.stdout)["backup"]).stat().st_mode & 0o077 == 0
    newer = probes(good, "training-cpu", 1)
    refused = good.kinfra("rollback")
    assert isinstance(refused.exception, ConflictError)
    assert "1 operations were made since" in str(refused.exception)
    serves(good, "schema")
    undone = good.kinfra("rollback", "--restore-database")
    assert undone.exit_code == 0, undone.exception
    assert migrations(good) == steps
    assert not newer & operations(good)
    serves(good, "good")
    await_completed(good, probes(good, "backtest", 3))


def test_a_release_older_than_the_database_is_refused_before_anything_is_touched(good):
    name = "9999_of_the_future"
    add = f"INSERT INTO ktrdr.migrations VALUES ('{name}', 'x', 'ktrdr 99', now())"
    good.query(add)
    before = good.container("backend")
    try:
        done = good.deploy("core", "next")
        assert "has the step 9999_of_the_future of ktrdr 99" in str(done.exception)
        assert good.container("backend") == before
    finally:
        good.query(f"DELETE FROM ktrdr.migrations WHERE name = '{name}'")
