"""Servers in containers: when they count as ready, and how they have to end."""

import time

import pytest

from ktrdr.cli.kinfra.images.engine import EngineError
from ktrdr.cli.kinfra.images.verify import run
from ktrdr.cli.kinfra.images.verify.check import Fault
from ktrdr.cli.kinfra.images.verify.report import Report
from ktrdr.cli.kinfra.images.verify.system import Server, System, running_system
from tests.unit.cli.kinfra.images.verify.subjects import CONTRACT, subject


def server(*, age_s: float = 0.0) -> Server:
    system = System(subject=subject(), name="s", password="p")
    return Server(system=system, name="s-1", began_s=time.monotonic() - age_s)


def test_server_is_ready_when_its_probe_succeeds(docker):
    assert server().seconds_until("probe", limit_s=60) < 60


def test_server_that_ended_is_not_waited_for(docker):
    docker.answer("exec", code=1)
    docker.answer("container inspect", out="false 3\n")
    docker.answer("logs", out="no database")
    with pytest.raises(Fault, match="exit code 3: no database"):
        server().seconds_until("probe", limit_s=60)


def test_server_that_is_never_ready_fails(docker):
    docker.answer("exec", code=1, err="refused")
    docker.answer("container inspect", out="true 0\n")
    with pytest.raises(Fault, match="within 60 s: refused"):
        server(age_s=61).seconds_until("probe", limit_s=60)


def test_server_that_becomes_ready_too_late_fails(docker):
    docker.answer("container inspect", out="true 0\n")
    with pytest.raises(Fault, match="did not succeed within 60 s"):
        server(age_s=61).seconds_until("probe", limit_s=60)


def test_stopped_server_ends_well(docker):
    docker.answer("container inspect", out="false 0\n")
    assert server().stop() >= 0


@pytest.mark.parametrize("code", [137, 1])
def test_server_that_was_killed_or_failed_when_stopped_fails(docker, code):
    docker.answer("container inspect", out=f"false {code}\n")
    with pytest.raises(Fault, match=f"exit code {code}, expected 0"):
        server().stop()


def test_what_a_system_made_is_removed_also_when_it_fails(docker):
    docker.answer("run", code=125, err="no such image")
    with pytest.raises(EngineError), running_system(subject()):
        pass
    made = [call[3] for call in docker.calls if call[2:3] == ["create"]]
    removed = {call[-1] for call in docker.calls if "rm" in call[1:3]}
    assert len(made) == 2
    assert removed == {*made, f"{made[0]}-db"}


def test_containers_are_hardened_and_get_the_database(docker):
    docker.answer("container inspect", out="true 0\n")
    with running_system(subject()) as system:
        system.run("ktrdr", "db", "upgrade")
    (call,) = [call for call in docker.calls if call[-3:] == ["ktrdr", "db", "upgrade"]]
    needed = {"--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"}
    assert needed <= set(call)
    assert any(one.startswith("--env=KTRDR_DATABASE_URL=postgresql://") for one in call)


def test_image_of_which_nothing_can_be_run_fails_throughout(docker):
    docker.answer("run", code=125, err="no such image")
    docker.answer("image inspect", out="[{}]")
    found = subject().found
    report = run.verify_image(subject().engine, CONTRACT, found)
    assert isinstance(report, Report)
    outcomes = {one.name: one.outcome for one in report.checks}
    assert report.outcome == "failed"
    assert {outcomes[name] for name in ("user", "imports", "packages", "system")} == {
        "failed"
    }
    assert "backend" not in outcomes
