"""The commands, with an engine that only answers."""

import json

import pytest
from typer.testing import CliRunner

from ktrdr.cli.kinfra.deploy.history import History
from ktrdr.cli.kinfra.images.engine import EngineError
from ktrdr.cli.kinfra.main import app
from ktrdr.errors import ConflictError, InputError, NotFoundError, handling_of
from ktrdr.settings import settings
from tests.unit.cli.kinfra.deploy.test_compose_project import INSPECTED, RENDERED
from tests.unit.cli.kinfra.deploy.test_history import record
from tests.unit.cli.kinfra.deploy.world import NEW, OLD, FakeImage

# How containers of a service are asked for.
LISTED = (
    "ps --all --quiet --no-trunc --filter=label=com.docker.compose.project=homelab "
    "--filter=label=com.docker.compose.service="
)


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("KTRDR_ENVIRONMENTS", str(tmp_path / "kinfra"))
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def folder(docker, tmp_path):
    (tmp_path / "docker-compose.core.yml").write_text("")
    docker.answer("compose", out=json.dumps(RENDERED))
    docker.answer(f"{LISTED}backend", out="c1\n")
    docker.answer("container inspect c1", out=json.dumps([INSPECTED]))
    docker.answer(
        f"image inspect sha256:{'a' * 64}", out=json.dumps([{"Id": OLD, "Config": {}}])
    )
    return tmp_path


def kinfra(*arguments: object):
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_a_dry_run_tells_what_would_be_done_and_does_nothing(docker, folder):
    done = kinfra("deploy", "core", "--folder", folder, "--tag", "t", "--dry-run")
    assert done.stdout == (
        "1. backend: ktrdr-backend:prod (aaaaaaaaaaaa) -> ktrdr-backend:t\n"
    )
    done = kinfra(
        *("deploy", "core", "--folder", folder, "--digest", NEW),
        *("--dry-run", "--json"),
    )
    (step,) = json.loads(done.stdout)["steps"]
    assert step["then"] == f"ktrdr-backend@{NEW}"
    assert step["now"]["identifier"] == OLD
    assert step["is_pulled"]
    changing = {"pull", "up", "run", "stop", "rm", "tag", "exec"}
    assert not [call for call in docker.calls if changing & set(call)]


def test_a_dry_run_says_what_it_did_not_check(docker, folder):
    core = ("deploy", "core", "--folder", folder, "--tag", "t", "--dry-run")
    assert "registry has ktrdr-backend:t." in kinfra(*core).stderr
    assert kinfra(*core, "--pull", "missing").stderr == ""
    docker.answer("image inspect ktrdr-backend:t", code=1)
    assert "Not checked" in kinfra(*core, "--pull", "missing").stderr


@pytest.mark.parametrize("how", [["--dry-run"], []])
def test_what_can_not_begin_is_refused_by_a_dry_run_too(docker, folder, how):
    services = RENDERED["services"]
    backend = services["backend"]
    read = [{"source": "there", "target": "x"}, {"source": "absent", "target": "y"}]
    secrets = {one: {"file": str(folder / one)} for one in ("there", "absent", "no")}
    (folder / "there").write_text("x")
    # What watches ours is started last, and may lack its secrets.
    watcher = {"image": "prom/prometheus", "secrets": ["no"]}
    new = {**services, "backend": {**backend, "secrets": read}, "watcher": watcher}
    config = {**RENDERED, "services": new, "secrets": secrets}
    docker.answer("compose", out=json.dumps(config))
    docker.answer("context inspect", out="unix:///var/run/docker.sock\n")
    done = kinfra("deploy", "core", "--folder", folder, "--tag", "t", *how)
    assert isinstance(done.exception, NotFoundError)
    assert f"not there: {folder}/absent; make" in str(done.exception)
    # Files of another machine are not seen from here.
    docker.answer("context inspect", out="ssh://far\n")
    done = kinfra("deploy", "core", "--folder", folder, "--tag", "t", "--dry-run")
    assert done.exit_code == 0
    new["backend"] = {**backend, "image": "ghcr.io/OWNER/ktrdr-backend:latest"}
    docker.answer("compose", out=json.dumps(config))
    done = kinfra("deploy", "core", "--folder", folder, *how)
    assert isinstance(done.exception, InputError)
    assert "'ghcr.io/OWNER/ktrdr-backend:latest' can't" in str(done.exception)
    changing = {"pull", "up", "run", "stop", "rm", "tag", "exec"}
    assert not [call for call in docker.calls if changing & set(call)]


@pytest.mark.parametrize("context", [None, "far"])
def test_a_database_that_the_files_want_otherwise_is_told(docker, folder, context):
    host = [] if context is None else ["--context", context]
    labels = {"com.docker.compose.service": "database"}
    found = {**INSPECTED, "Config": {"Labels": labels}}
    told = "DRY-RUN MODE -  Container homelab-database-1  Recreate\n"
    for start, out, err in (
        (f"{LISTED}database", "c1\n", ""),
        ("container inspect c1", json.dumps([found]), ""),
        ("compose", json.dumps(RENDERED), told),
    ):
        docker.answer(" ".join([*host, start]), out=out, err=err)
    core = ("deploy", "core", "--folder", folder, "--tag", "t", "--dry-run", *host)
    # The folder has no file that compose would take by itself.
    file = folder / "docker-compose.core.yml"
    command = f"compose --file {file} up --detach --no-deps database"
    assert kinfra(*core).stderr.splitlines()[0] == (
        "database runs with settings of before, and a deployment does not replace it: "
        f"`{' '.join(['docker', *host, command])}` does."
    )


def test_a_pull_that_fails_ends_before_anything_is_touched(docker, folder):
    docker.answer("pull", code=1)
    done = kinfra("deploy", "core", "--folder", folder, "--tag", "t")
    assert isinstance(done.exception, EngineError)
    assert docker.calls[-1] == ["docker", "pull", "ktrdr-backend:t"]
    changing = {"up", "run", "stop", "rm", "tag", "exec"}
    assert not [call for call in docker.calls if changing & set(call)]
    assert kinfra("history").stderr.startswith("Nothing has been deployed")


@pytest.mark.parametrize(
    ("said", "code", "help"),
    [
        ("manifest unknown", "not_found", "check the tag and KTRDR_REGISTRY"),
        ("certificate signed by unknown authority", "provider_failed", "answers"),
        ("dial tcp: no such host", "provider_failed", "the registry answers"),
        ("invalid reference format", "input_invalid", "in small letters"),
    ],
)
def test_a_pull_that_fails_is_told_with_its_reason_and_what_to_do(
    docker, folder, said, code, help
):
    docker.answer("pull", code=1, err=f"Trying\nError: {said}\n")
    error = kinfra("deploy", "core", "--folder", folder, "--tag", "t", "--json")
    assert handling_of(error.exception).code == code
    assert f"`docker pull ktrdr-backend:t` failed: Error: {said}; " in str(
        error.exception
    )
    assert help in str(error.exception)


def test_a_context_that_is_not_known_is_told_with_how_to_list_them(docker, folder):
    docker.answer("--context nosuch info", code=1, err="open meta.json: no such file")
    done = kinfra("deploy", "core", "--folder", folder, "--context", "nosuch")
    assert isinstance(done.exception, InputError)
    assert "`docker context ls`" in str(done.exception)


def test_a_folder_without_the_file_is_told(docker, tmp_path):
    done = kinfra("deploy", "gpu", "--folder", tmp_path)
    assert isinstance(done.exception, NotFoundError)
    assert "docker-compose.gpu-worker.yml" in str(done.exception)


def test_a_tag_that_is_none_is_refused_before_the_engine_is_asked(docker):
    done = kinfra("deploy", "core", "--tag", "x:y")
    assert isinstance(done.exception, InputError)
    assert docker.calls == []


def test_history_shows_the_newest_first():
    history = History.of("homelab", "core", None)
    history.note(record(0, outcome="succeeded"))
    history.note(record(1, kind="rollback", outcome="rolled_back", reason="x"))
    shown = json.loads(kinfra("history", "--json").stdout)["items"]
    assert [one["kind"] for one in shown] == ["rollback", "deploy"]
    (newest,) = json.loads(kinfra("history", "--json", "--limit=1").stdout)["items"]
    assert newest == shown[0]
    assert json.loads(kinfra("history", "gpu", "--json").stdout)["items"] == []
    table = kinfra("history").stdout
    assert table.index("rolled_back") < table.index("succeeded")


def test_a_rollback_needs_something_to_go_back_from():
    done = kinfra("rollback")
    assert isinstance(done.exception, NotFoundError)


def test_a_first_deployment_can_not_be_undone(folder):
    History.of("homelab", "core", None).note(
        record(outcome="succeeded", folder=folder, before={})
    )
    done = kinfra("rollback")
    assert isinstance(done.exception, ConflictError)
    assert "backend did not run" in str(done.exception)


def test_a_rollback_works_on_the_engine_that_was_deployed_to(docker, folder):
    docker.answer("info --format", out="1-2 near\n")
    gone = record(
        outcome="succeeded", folder=folder, before={}, host="3-4 far", context=None
    )
    History.of("homelab", "core", None).note(gone)
    done = kinfra("rollback")
    assert isinstance(done.exception, ConflictError)
    assert "went to the engine 3-4 far" in str(done.exception)
    assert "the one in use is now 1-2 near" in str(done.exception)
    changing = {"pull", "up", "run", "stop", "rm", "tag", "exec"}
    assert not [call for call in docker.calls if changing & set(call)]
    docker.answer("info --format", out="3-4 renamed\n")
    assert "backend did not run" in str(kinfra("rollback").exception)


def test_an_image_that_was_built_here_and_pruned_can_not_come_back(docker, folder):
    gone = FakeImage("sha256:" + "9" * 64).pin
    History.of("homelab", "core", None).note(
        record(outcome="succeeded", folder=folder, before={"backend": gone})
    )
    docker.answer(f"image inspect {gone.identifier}", code=1)
    done = kinfra("rollback", "core")
    assert isinstance(done.exception, NotFoundError)
    assert "build that commit again" in str(done.exception)
