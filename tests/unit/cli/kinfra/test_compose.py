"""What is asked of compose, and how its answers are read."""

import json
from pathlib import Path

import pytest

from ktrdr.cli.kinfra.compose import Compose, Container, Project, read_variables
from ktrdr.cli.kinfra.images.engine import Engine, EngineError
from ktrdr.errors import InputError

LABELS = {"com.docker.compose.project": "x", "com.docker.compose.service": "backend"}
DOCUMENT = {
    "Id": "1234",
    "Name": "/x-backend-1",
    "Image": "sha256:5678",
    "RestartCount": 2,
    "HostConfig": {"RestartPolicy": {"Name": "unless-stopped"}},
    "Config": {"Labels": LABELS, "Image": "r/ktrdr-backend:1", "Env": ["A=b=c"]},
    "State": {"Status": "running", "ExitCode": 0, "Health": {"Status": "healthy"}},
}


def compose(engine: str = "docker", **fields) -> Compose:
    project = Project(
        name="x", folder=Path("/place"), files=(Path("/place/a.yml"),), **fields
    )
    return Compose(Engine(engine), project)


def test_a_call_names_project_files_variables_and_host(docker, tmp_path):
    variables = tmp_path / "variables"
    variables.write_text("A=1\n")
    compose(variables=variables, context="far").run("config")
    assert docker.calls == [
        [
            *("docker", "--context", "far", "compose", "--project-name=x"),
            *("--project-directory=/place", "--file=/place/a.yml"),
            *(f"--env-file={variables}", "config"),
        ]
    ]


def test_podman_is_asked_through_podman_compose(engines):
    engines.install("podman")
    engines.install("podman-compose")
    compose("podman").up("backend")
    (call,) = engines.calls
    assert call == [
        *("podman-compose", "--project-name=x", "--file=/place/a.yml"),
        *("up", "--detach", "backend"),
    ]


def test_podmans_compose_works_on_the_host_that_podman_does(engines, monkeypatch):
    monkeypatch.setenv("CONTAINER_CONNECTION", "of the shell")
    program = engines.folder / "podman-compose"
    program.write_text('#!/bin/sh\necho "$CONTAINER_CONNECTION"\n')
    program.chmod(0o755)
    far = compose("podman", context="far")
    assert far.host() == ["--connection", "far"]
    assert far.run("stop") == "far\n"
    assert compose("podman").run("stop") == "of the shell\n"


def test_podman_without_its_compose_says_what_to_do(engines, monkeypatch):
    monkeypatch.setenv("PATH", str(engines.folder))
    with pytest.raises(InputError, match="podman-compose is not installed: install"):
        compose("podman").run("config")


def test_the_file_of_an_environment_comes_before_the_shells_variables(
    docker, tmp_path, monkeypatch
):
    (docker.folder / "docker").write_text(
        '#!/bin/sh\necho "$IN_FILE,$GIVEN,$ELSEWHERE"\n'
    )
    variables = tmp_path / "variables"
    variables.write_text("# a remark\n\nIN_FILE=1\n")
    monkeypatch.setenv("IN_FILE", "of the shell")
    monkeypatch.setenv("GIVEN", "of the shell")
    monkeypatch.setenv("ELSEWHERE", "kept")
    project = compose(variables=variables, given={"GIVEN": "mine"})
    # Compose reads the file itself.
    assert project.run("config") == ",mine,kept\n"


@pytest.mark.parametrize(("of_the_shell", "told"), [(None, "never"), ("always",) * 2])
def test_compose_writes_no_codes_for_a_terminal_unless_told_to(
    docker, monkeypatch, capfd, of_the_shell, told
):
    (docker.folder / "docker").write_text('#!/bin/sh\necho "$COMPOSE_ANSI"\n')
    monkeypatch.delenv("COMPOSE_ANSI", raising=False)
    if of_the_shell:
        monkeypatch.setenv("COMPOSE_ANSI", of_the_shell)
    assert compose().run("logs") == f"{told}\n"
    compose().pass_on("logs")
    assert capfd.readouterr().out == f"{told}\n"


def test_files_that_would_make_a_container_anew_are_told(docker):
    where = "compose --project-name=x --project-directory=/place --file=/place/a.yml"
    docker.answer(
        f"{where} --dry-run up --detach --no-deps --no-build --pull=never a",
        err="DRY-RUN MODE -  Container x-a-1  Recreate\n",
    )
    assert compose().would_replace("a")
    assert not compose().would_replace("b")


def test_variables_are_read_as_they_are_written(tmp_path):
    path = tmp_path / "variables"
    path.write_text("# A=1\nB=2\n\nC=\nD=x=y\n")
    assert read_variables(path) == {"B": "2", "C": "", "D": "x=y"}


def test_containers_are_told_with_service_health_and_image(docker):
    one_off = {**LABELS, "com.docker.compose.oneoff": "True"}
    job = {**DOCUMENT, "Id": "9", "Config": {"Labels": one_off}}
    docker.answer("ps --all --quiet", out="1234\n9\n")
    docker.answer("container inspect 1234 9", out=json.dumps([DOCUMENT, job]))
    (found,) = compose().containers()
    assert found == Container(
        identifier="1234",
        name="x-backend-1",
        service="backend",
        state="running",
        health="healthy",
        exit_code=0,
        restarts=2,
        is_job=False,
        image="sha256:5678",
        reference="r/ktrdr-backend:1",
        variables={"A": "b=c"},
    )
    assert found.is_well
    assert "b=c" not in repr(found)


def test_a_container_that_goes_while_it_is_looked_at_is_left_out(docker):
    docker.answer("ps --all --quiet", out="1234\n9\n")
    gone = "Error response from daemon: No such container: 9\n"
    inspected = json.dumps([DOCUMENT])
    docker.answer("container inspect 1234 9", code=1, out=inspected, err=gone)
    assert [one.identifier for one in compose().containers()] == ["1234"]
    docker.answer("container inspect 1234 9", code=1, err="cannot connect")
    with pytest.raises(EngineError, match="cannot connect"):
        compose().containers()


def test_a_project_that_does_not_run_has_no_containers(docker):
    assert compose().containers() == []
    assert compose().address("backend", 8000) is None


@pytest.mark.parametrize(
    ("state", "is_well"),
    [
        ({"Status": "running", "ExitCode": 0}, True),
        ({"Status": "running", "ExitCode": 0, "Healthcheck": {"Status": ""}}, True),
        ({"Status": "running", "ExitCode": 0, "Health": {"Status": "starting"}}, False),
        ({"Status": "exited", "ExitCode": 0, "Health": {"Status": "healthy"}}, False),
    ],
)
def test_who_is_well(docker, state, is_well):
    docker.answer("ps --all --quiet", out="1234\n")
    docker.answer("container inspect", out=json.dumps([{**DOCUMENT, "State": state}]))
    (found,) = compose().containers()
    assert found.is_well is is_well


@pytest.mark.parametrize(
    ("host", "is_done"),
    [
        ({"RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}}, True),
        # Podman says nothing where there is none.
        ({"RestartPolicy": {"Name": ""}}, True),
        ({}, True),
        # Somebody has stopped it.
        ({"RestartPolicy": {"Name": "unless-stopped"}}, False),
        ({"RestartPolicy": {"Name": "always"}}, False),
    ],
)
def test_only_a_job_is_done_when_it_has_ended_well(docker, host, is_done):
    document = {**DOCUMENT, "HostConfig": host}
    docker.answer("ps --all --quiet", out="1234\n")
    for code in (0, 1):
        ended = {**document, "State": {"Status": "exited", "ExitCode": code}}
        docker.answer("container inspect", out=json.dumps([ended]))
        (found,) = compose().containers()
        assert found.is_done is (is_done and code == 0)
    docker.answer("container inspect", out=json.dumps([document]))
    (found,) = compose().containers()
    assert found.is_done


def test_an_address_is_one_that_this_machine_reaches(docker):
    docker.answer("ps --all --quiet", out="1234\n")
    docker.answer("container inspect", out=json.dumps([DOCUMENT]))
    docker.answer("port 1234 8000/tcp", out="0.0.0.0:8001\n[::]:8001\n")
    assert compose().address("backend", 8000) == "127.0.0.1:8001"


def test_a_failure_tells_the_call_and_what_compose_said(docker):
    docker.answer("compose", code=1, err="no such service: x\n")
    with pytest.raises(EngineError, match=r"(?s)docker compose .*no such service: x"):
        compose().run("stop", "x")
    assert compose().up("x").code == 1
