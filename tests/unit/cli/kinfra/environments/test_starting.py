"""The gate at the start waits for all services, and tells which one failed and why."""

import json
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from ktrdr.cli.kinfra.compose import Compose, Project
from ktrdr.cli.kinfra.environments.environment import Environment
from ktrdr.cli.kinfra.environments.secret_files import (
    keep_token,
    kept_token,
    make_secrets,
)
from ktrdr.cli.kinfra.environments.starting import (
    StartError,
    await_health,
    need_images,
    start,
)
from ktrdr.cli.kinfra.images.engine import Engine, EngineError
from ktrdr.errors import ConflictError, NotFoundError

PROJECT = Compose(
    Engine("docker"), Project(name="x", folder=Path("/x"), files=(Path("/x/a.yml"),))
)
BEFORE = "compose --project-name=x --project-directory=/x --file=/x/a.yml"


def runs(docker, *states: tuple[str, dict[str, object]]) -> None:
    documents = [
        {
            "Id": service,
            "Name": service,
            "Image": "sha256:1",
            "Config": {"Labels": {"com.docker.compose.service": service}},
            "State": {"ExitCode": 0, **state},
        }
        for service, state in states
    ]
    docker.answer("ps --all", out="\n".join(service for service, _ in states))
    docker.answer("container inspect", out=json.dumps(documents))


WELL: dict[str, object] = {"Status": "running", "Health": {"Status": "healthy"}}
STARTING: dict[str, object] = {"Status": "running", "Health": {"Status": "starting"}}


def test_all_are_well_when_services_are_healthy_and_jobs_have_ended_well(docker):
    runs(docker, ("backend", WELL), ("migrate", {"Status": "exited"}))
    await_health(PROJECT, within_s=0)


def test_a_service_that_left_the_files_and_was_stopped_is_not_waited_for(docker):
    runs(docker, ("backend", WELL), ("former", {"Status": "exited"}))
    text = json.loads((docker.folder / "answers").read_text())["container inspect"][1]
    lasting = {"RestartPolicy": {"Name": "unless-stopped"}}
    documents = [{**one, "HostConfig": lasting} for one in json.loads(text)]
    docker.answer("container inspect", out=json.dumps(documents))
    await_health(PROJECT, within_s=0)


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"Status": "exited", "ExitCode": 3}, "migrate is exited, exit code 3"),
        (
            {"Status": "running", "Health": {"Status": "unhealthy"}},
            "migrate is running, unhealthy",
        ),
    ],
)
def test_what_can_not_become_well_ends_the_waiting_with_its_last_words(
    docker, state, told
):
    runs(docker, ("backend", STARTING), ("migrate", state))
    docker.answer(f"{BEFORE} logs", out="migrate-1 | no route to the database\n")
    with pytest.raises(StartError) as failed:
        # An hour: it must not be waited for.
        await_health(PROJECT, within_s=3600)
    assert told in str(failed.value)
    assert "no route to the database" in str(failed.value)
    assert "backend" not in str(failed.value)


def test_what_goes_on_starting_is_told_when_the_time_is_over(docker):
    runs(docker, ("backend", STARTING), ("database", WELL))
    with pytest.raises(StartError, match="backend is running, starting") as failed:
        await_health(PROJECT, within_s=0)
    assert "not well within 0 s" in str(failed.value)
    assert "database" not in str(failed.value)


def test_a_container_that_ends_again_and_again_is_lost(docker):
    runs(docker, ("backend", STARTING))
    text = json.loads((docker.folder / "answers").read_text())["container inspect"][1]
    again = [{**one, "RestartCount": 4} for one in json.loads(text)]
    docker.answer("container inspect", out=json.dumps(again))
    with pytest.raises(StartError):
        await_health(PROJECT, within_s=3600)


CONFIG = "services:\n  a: {image: ktrdr-backend:test}\n  b: {image: reg/other:1}\n"


def test_an_image_that_is_built_here_is_asked_for_and_not_pulled(docker):
    docker.answer(f"{BEFORE} config", out=CONFIG)
    docker.answer("image inspect", code=1)
    with pytest.raises(NotFoundError, match=r"no image ktrdr-backend:test: build"):
        need_images(PROJECT)
    assert not [call for call in docker.calls if "pull" in call]


def test_an_image_of_a_registry_is_pulled(docker):
    docker.answer(f"{BEFORE} config", out=CONFIG)
    docker.answer("image inspect ktrdr-backend:test", out="[{}]")
    docker.answer("image inspect reg/other:1", code=1)
    docker.answer("pull", code=1)
    with pytest.raises(EngineError, match="docker pull reg/other:1"):
        need_images(PROJECT)


@pytest.mark.parametrize("said", ["manifest unknown", "invalid reference format"])
@pytest.mark.parametrize("has_file", [True, False])
def test_a_pull_that_fails_names_what_the_environment_reads(
    docker, tmp_path, said, has_file
):
    file = tmp_path / ".env.sandbox"
    file.touch()
    project = replace(PROJECT.project, variables=file if has_file else None)
    after = f" --env-file={file}" if has_file else ""
    docker.answer(f"{BEFORE}{after} config", out=CONFIG)
    docker.answer("image inspect reg/other:1", code=1)
    docker.answer("pull", code=1, err=said)
    with pytest.raises(EngineError) as failed:
        need_images(replace(PROJECT, project=project))
    where = str(file) if has_file else "the shell or /x/.env"
    names = "KTRDR_BACKEND_IMAGE, KTRDR_WORKER_IMAGE or KTRDR_POSTGRES_IMAGE"
    assert f"check {names} in {where}" in str(failed.value)
    assert "KTRDR_REGISTRY" not in str(failed.value)


def test_the_host_that_runs_the_project_is_asked_for_images_and_pulls_them(docker):
    """What this machine has is no matter."""
    far = replace(PROJECT, project=replace(PROJECT.project, context="far"))
    docker.answer(f"--context far {BEFORE} config", out=CONFIG)
    docker.answer("--context far image inspect reg/other:1", code=1)
    need_images(far)
    assert ["docker", "--context", "far", "pull", "reg/other:1"] in docker.calls
    docker.answer("--context far image inspect ktrdr-backend:test", code=1)
    with pytest.raises(NotFoundError, match="docker on far has no image ktrdr-backend"):
        need_images(far)
    assert not [call for call in docker.calls if call[1] != "--context"]


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def begin(folder: Path) -> str:
    return start(Environment(compose=PROJECT, secrets=folder, command="kinfra x ..."))


@pytest.mark.parametrize("form", ["long", "short"])
def test_a_port_of_another_program_is_told_before_anything_is_done(
    docker, taken, tmp_path, form
):
    published = {"host_ip": "127.0.0.1", "target": 8000, "published": str(taken)}
    port = published if form == "long" else f"127.0.0.1:{taken}:8000"
    config = {"services": {"backend": {"image": "x", "ports": [port]}}}
    docker.answer(f"{BEFORE} config", out=json.dumps(config))
    told = rf"port {taken}, which backend of x .* used by another program: stop that"
    with pytest.raises(ConflictError, match=told):
        begin(tmp_path / "secrets")
    assert not (tmp_path / "secrets").exists()
    changing = {"pull", "up", "run"}
    assert not [call for call in docker.calls if changing & set(call)]
    # It runs, so the port is its own.
    runs(docker, ("backend", WELL))
    docker.answer("image inspect", code=1)
    docker.answer("pull", code=1)
    with pytest.raises(EngineError, match="pull x"):
        begin(tmp_path / "secrets")


OURS = {"id": "q7x2m9ab", "name": "kinfra-1", "revoked_at": None, "expires_at": None}
PAST = "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("known", "is_made"),
    [
        ([{**OURS, "id": "another1"}, OURS], False),
        ([{**OURS, "expires_at": "2999-01-01T00:00:00Z"}], False),
        ([], True),
        # As in a database that was restored.
        ([{**OURS, "id": "another1"}], True),
        ([{**OURS, "revoked_at": PAST}], True),
        ([{**OURS, "expires_at": PAST}], True),
    ],
)
def test_a_token_that_the_database_does_not_take_is_made_anew(
    docker, tmp_path, known, is_made
):
    docker.answer(f"{BEFORE} config", out="services: {}")
    job = f"{BEFORE} run --rm -T --no-deps migrate ktrdr auth"
    docker.answer(f"{job} list --json", out=json.dumps(known))
    docker.answer(f"{job} create", out=json.dumps({"token": "ktrdr_12345678_new"}))
    # What comes after is no matter here.
    docker.answer(f"{BEFORE} up", code=1)
    make_secrets(tmp_path, [])
    keep_token(tmp_path, "ktrdr_q7x2m9ab_old")
    with pytest.raises(StartError):
        begin(tmp_path)
    new = "ktrdr_12345678_new" if is_made else "ktrdr_q7x2m9ab_old"
    assert kept_token(tmp_path) == new
    made = [call[call.index("create") + 1] for call in docker.calls if "create" in call]
    assert len(made) == is_made
    assert not {one["name"] for one in known} & set(made)


def test_what_compose_tells_of_its_progress_is_no_failure(docker, tmp_path):
    docker.answer(f"{BEFORE} config", out="services: {}")
    runs(docker, ("backend", {"Status": "created"}), ("mcp", {"Status": "created"}))
    told = [" Network x_default  Creating", " Container x-backend-1  Created"]
    told += ["Error response from daemon: no space left"]
    docker.answer(f"{BEFORE} run", code=1, err="\n".join(told))
    with pytest.raises(StartError) as failed:
        begin(tmp_path / "secrets")
    assert str(failed.value).endswith("\nError response from daemon: no space left")
    assert "Creat" not in str(failed.value)
    assert "last words" not in str(failed.value)
