"""What is asked of the engine, and how its answers are understood."""

import json
from pathlib import Path
from typing import Any

import pytest

from ktrdr.cli.kinfra.deploy.compose_project import ComposeProject, load_project
from ktrdr.cli.kinfra.images.engine import Engine, EngineError
from ktrdr.errors import InputError

RENDERED: dict[str, Any] = {
    "name": "homelab",
    "services": {
        "database": {"image": "postgres:17"},
        "backtest-worker-1": {"image": "x", "deploy": {"replicas": 0}},
        "backend": {
            "image": "ktrdr-backend:prod",
            "depends_on": {"database": {"condition": "service_healthy"}},
        },
    },
}
INSPECTED = {
    "Id": "c1",
    "Name": "/homelab-backend-1",
    "Image": "a" * 64,
    "RestartCount": 2,
    "State": {"Status": "running", "ExitCode": 0, "Health": {"Status": "healthy"}},
    "Config": {
        "Image": "ktrdr-backend:prod",
        "Env": ["A=1=2", "B="],
        "Labels": {"com.docker.compose.service": "backend"},
    },
}
ONCE = {
    **INSPECTED,
    "Config": {"Labels": {"com.docker.compose.oneoff": "True"}},
}


@pytest.fixture
def compose(docker, tmp_path) -> ComposeProject:
    file = tmp_path / "docker-compose.core.yml"
    where = f"--project-directory={tmp_path} --file={file}"
    docker.answer(f"compose {where} config", out=json.dumps(RENDERED))
    docker.answer(
        f"compose --project-name=homelab {where} config", out=json.dumps(RENDERED)
    )
    compose = load_project(Engine("docker"), None, file)
    return ComposeProject(compose=compose, scratch=tmp_path / "scratch")


def test_the_project_has_the_name_that_its_file_gives_it(compose, docker):
    assert compose.name == "homelab"
    services = {one.name: one for one in compose.services()}
    # No container is wanted of the third.
    assert set(services) == {"backend", "database"}
    assert services["backend"].needs == {"database": "service_healthy"}
    assert services["database"].image == "postgres:17"


def test_containers_of_a_service_that_is_to_have_none_are_left_over(compose, docker):
    assert compose.leftovers() == ()
    labels = {"com.docker.compose.service": "backtest-worker-1"}
    one = {**INSPECTED, "Config": {"Labels": labels}}
    docker.answer("ps --all", out="c1\n")
    docker.answer("container inspect c1", out=json.dumps([one]))
    assert compose.leftovers() == ("backtest-worker-1",)


def test_a_service_is_run_by_the_image_alone_and_nothing_beside_it(compose, docker):
    compose.up("backend", "localhost/kept/ktrdr-backend:aa")
    call = docker.calls[-1]
    files = [one.removeprefix("--file=") for one in call if "--file=" in one]
    written = Path(files[-1])
    assert json.loads(written.read_text()) == {
        "services": {"backend": {"image": "localhost/kept/ktrdr-backend:aa"}}
    }
    assert call[-6:] == [
        *("up", "--detach", "--no-deps", "--no-build", "--pull=never", "backend")
    ]


def test_a_command_of_its_own_touches_no_other_container(compose, docker):
    done = compose.run("backend", "x", "ktrdr", "db", "status")
    assert done.code == 0
    run, name = docker.calls[-1][-9:-7]
    assert run == "run"
    assert name.startswith("--name=scratch-job-")
    assert docker.calls[-1][-7:] == [
        *("--rm", "--no-deps", "-T", "backend"),
        *("ktrdr", "db", "status"),
    ]


def test_only_jobs_that_are_left_are_removed(compose, docker):
    compose.end_jobs()
    listed = "container ls --all --quiet --filter=name=^scratch-job-"
    assert docker.calls[-1] == ["docker", *listed.split()]
    docker.answer(listed, out="j1\nj2\n")
    compose.end_jobs()
    removed = "container rm --force --volumes j1 j2"
    assert docker.calls[-1] == ["docker", *removed.split()]


def test_those_who_run_stay_as_they_are(compose, docker):
    compose.start("database")
    assert docker.calls[-1][-7:] == [
        *("up", "--detach", "--no-deps", "--no-build", "--pull=never"),
        *("--no-recreate", "database"),
    ]


def test_containers_tell_what_they_are(compose, docker):
    docker.answer("ps --all", out="c1\nc2\n")
    docker.answer("container inspect c1 c2", out=json.dumps([INSPECTED, ONCE]))
    (one,) = compose.containers("backend")
    assert one.image == f"sha256:{'a' * 64}"
    assert (one.state, one.health, one.restarts) == ("running", "healthy", 2)
    assert one.variables == {"A": "1=2", "B": ""}
    assert docker.calls[-2][-2:] == [
        "--filter=label=com.docker.compose.project=homelab",
        "--filter=label=com.docker.compose.service=backend",
    ]


def test_a_service_without_containers_has_none(compose, docker):
    assert compose.containers("backend") == ()


def test_an_image_that_is_not_there_is_none(compose, docker):
    docker.answer("image inspect", code=1, err="No such image")
    assert compose.image("x") is None


def test_files_go_through_byte_by_byte(compose, docker, tmp_path):
    (docker.folder / "docker").write_text("#!/bin/sh\nexec cat\n")
    (tmp_path / "from").write_bytes(b"\x00\xff\r\n")
    compose.pour("c1", "x", source=tmp_path / "from", target=tmp_path / "to")
    assert (tmp_path / "to").read_bytes() == b"\x00\xff\r\n"
    (docker.folder / "docker").write_text("#!/bin/sh\necho no room >&2\nexit 4\n")
    with pytest.raises(EngineError, match="no room"):
        compose.pour("c1", "x", target=tmp_path / "to")


def test_another_host_is_named_before_everything_else(docker, tmp_path):
    file = tmp_path / "x.yml"
    docker.answer("--context big compose", out=json.dumps(RENDERED))
    compose = load_project(Engine("docker"), "big", file)
    one = ComposeProject(compose=compose, scratch=tmp_path)
    one.stop("backend")
    one.ask("c1", "true")
    assert all(call[1:3] == ["--context", "big"] for call in docker.calls)
    assert one.place == f"{file} on big"


def test_podman_calls_another_host_a_connection(engines, tmp_path):
    engines.install("podman")
    engines.install("podman-compose")
    engines.answer("--file=", out=json.dumps(RENDERED))
    compose = load_project(Engine("podman"), "big", tmp_path / "x.yml")
    ComposeProject(compose=compose, scratch=tmp_path).ask("c1", "true")
    assert engines.calls[-1][:3] == ["podman", "--connection", "big"]


def test_a_file_that_can_not_be_used_is_told_with_what_to_do(docker, tmp_path):
    docker.answer("compose", code=15, err="x\nKTRDR_REGISTRY is missing a value\n")
    with pytest.raises(InputError) as refused:
        load_project(Engine("docker"), None, tmp_path / "x.yml")
    assert "x.yml can't be used: KTRDR_REGISTRY is missing" in str(refused.value)
    assert f"run `cp .env.example .env` in {tmp_path}" in str(refused.value)
    (tmp_path / ".env").write_text("")
    with pytest.raises(InputError, match=f"variables are in {tmp_path}/.env"):
        load_project(Engine("docker"), None, tmp_path / "x.yml")
