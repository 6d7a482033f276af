"""Sandboxes are made of real worktrees, and destroyed with nobody's work."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ktrdr.cli.kinfra.compose import read_variables
from ktrdr.cli.kinfra.environments import registry
from ktrdr.cli.kinfra.environments.secret_files import keep_token
from ktrdr.cli.kinfra.main import app
from ktrdr.cli.kinfra.sandboxes.sandbox import create
from ktrdr.errors import ConflictError, InputError, NotFoundError
from ktrdr.settings import settings

RESERVED = ("local-prod", "deployments")


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path, monkeypatch):
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    for name in ("user.name", "user.email"):
        git(folder, "config", name, "somebody@example.org")
    (folder / "ktrdr").mkdir()
    (folder / "ktrdr" / "__init__.py").touch()
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "begin")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("KTRDR_ENVIRONMENTS", str(tmp_path / "environments"))
    settings.cache_clear()
    yield folder
    settings.cache_clear()


def kinfra(*arguments: str):
    done = CliRunner().invoke(app, ["sandbox", *arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def branches(repository: Path) -> list[str]:
    return git(repository, "branch", "--format=%(refname:short)").splitlines()


def test_a_sandbox_has_a_worktree_a_slot_and_variables(repository):
    entry = create("trial")
    assert git(entry.source, "branch", "--show-current") == "sandbox/trial"
    variables = read_variables(entry.folder / ".env.sandbox")
    assert variables["KTRDR_SOURCE"] == str(entry.source)
    assert variables["KTRDR_API_PORT"] == str(8000 + entry.slot)
    # Nothing of it lies in the worktree, where it would look like work.
    assert git(entry.source, "status", "--porcelain") == ""


def test_given_images_run_instead_of_the_source(repository):
    kinfra(
        "create", "trial", "--backend-image", "r/b@sha256:1", "--worker-image", "w:1"
    )
    variables = read_variables(registry.find_entry("trial").folder / ".env.sandbox")
    assert variables["KTRDR_SOURCE"] == ""
    assert variables["KTRDR_BACKEND_IMAGE"] == "r/b@sha256:1"
    assert variables["KTRDR_WORKER_IMAGE"] == "w:1"


def test_a_sandbox_may_be_made_from_inside_another(repository, monkeypatch):
    first = create("first")
    monkeypatch.chdir(first.source)
    assert create("second").repository == str(repository)


def test_destroyed_it_leaves_no_trace(repository, docker, tmp_path):
    before = git(repository, "worktree", "list"), branches(repository)
    entry = create("trial")
    assert kinfra("destroy", "trial").stdout == "trial is gone.\n"
    assert (git(repository, "worktree", "list"), branches(repository)) == before
    assert registry.entries() == []
    assert not entry.folder.exists()
    (down,) = [call for call in docker.calls if "down" in call]
    assert down[-3:] == ["down", "--volumes", "--remove-orphans"]
    assert f"--project-name={registry.project_of('sandbox-trial')}" in down


def runs(docker) -> None:
    """Have any service of the sandbox run."""
    state = {"Status": "running", "ExitCode": 0}
    document = {"Id": "1", "Name": "x", "Image": "sha256:1", "State": state}
    docker.answer("ps --all", out="1\n")
    labelled = {**document, "Config": {"Labels": {}}}
    docker.answer("container inspect", out=json.dumps([labelled]))


def test_a_shell_has_the_sandboxs_token_which_no_argument_tells(
    repository, docker, capfd
):
    entry = create("trial")
    runs(docker)
    kinfra("shell", "trial", "ktrdr", "status")
    assert docker.calls[-1][-4:] == ["-T", "backend", "ktrdr", "status"]
    (entry.folder / "secrets").mkdir()
    keep_token(entry.folder / "secrets", "ktrdr_secret")
    kinfra("shell", "trial", "ktrdr", "status")
    kinfra("shell", "--service", "database", "trial", "ls")
    told, other = [call for call in docker.calls if "exec" in call][1:]
    url = "KTRDR_API_URL=http://127.0.0.1:8000"
    given = ["-T", "-e", url, "-e", "KTRDR_API_TOKEN"]
    assert told[-8:] == [*given, "backend", "ktrdr", "status"]
    assert other[-3:] == ["-T", "database", "ls"]
    assert "ktrdr_secret" not in str(docker.calls)
    program = docker.folder / "docker"
    program.rename(docker.folder / "answering")
    program.write_text(
        '#!/bin/sh\n[ "$1" = compose ] || exec "$(dirname "$0")"/answering "$@"\n'
        'echo "token $KTRDR_API_TOKEN"\n'
    )
    program.chmod(0o755)
    kinfra("shell", "trial")
    assert capfd.readouterr().out == "token ktrdr_secret\n"


def test_a_shells_command_has_options_of_its_own(repository, docker):
    create("trial")
    runs(docker)
    kinfra("shell", "trial", "ls", "-l", "--service", "x")
    assert docker.calls[-1][-5:] == ["backend", "ls", "-l", "--service", "x"]


def test_a_shell_of_what_does_not_run_says_how_to_start_it(repository, docker):
    create("trial")
    with pytest.raises(NotFoundError, match="run: `kinfra sandbox up trial` starts it"):
        kinfra("shell", "trial")


@pytest.mark.parametrize("change", ["new file", "changed file", "staged file"])
def test_work_in_no_commit_is_not_dropped(repository, docker, change):
    entry = create("trial")
    name = "notes.txt" if change != "changed file" else "ktrdr/__init__.py"
    (entry.source / name).write_text("work")
    if change == "staged file":
        git(entry.source, "add", ".")
    with pytest.raises(ConflictError, match=rf"in no commit: {name}; commit it"):
        kinfra("destroy", "trial")
    assert (entry.source / name).read_text() == "work"
    assert registry.entries() == [entry]
    assert docker.calls == []
    kinfra("destroy", "trial", "--force")
    assert not entry.folder.exists()


def test_a_branch_with_commits_of_its_own_stays(repository, docker):
    entry = create("trial")
    (entry.source / "notes.txt").write_text("work")
    git(entry.source, "add", ".")
    git(entry.source, "commit", "-q", "-m", "work")
    told = kinfra("destroy", "trial").stdout
    assert told == "trial is gone; the branch sandbox/trial stays, it has commits.\n"
    assert git(repository, "show", "sandbox/trial:notes.txt") == "work"


def test_a_sandbox_that_can_not_be_made_leaves_nothing(repository):
    with pytest.raises(Exception, match="no-such-commit"):
        create("trial", start="no-such-commit")
    assert registry.entries() == []
    assert branches(repository) == ["main"]
    assert create("trial").slot


def test_a_folder_of_somebody_else_is_not_made_into_a_sandbox(repository, tmp_path):
    work = tmp_path / "environments" / "trial" / "source" / "work.txt"
    work.parent.mkdir(parents=True)
    work.write_text("in no commit")
    with pytest.raises(ConflictError, match="belongs to no sandbox that is known"):
        create("trial")
    assert work.read_text() == "in no commit"
    assert registry.entries() == []


def test_a_sandbox_whose_folder_is_gone_is_told_and_can_be_destroyed(
    repository, docker
):
    shutil.rmtree(create("broken").folder)
    create("whole")
    told = kinfra("list").stdout.splitlines()
    assert ["folder is gone" in line for line in told] == [True, False]
    with pytest.raises(NotFoundError, match="`kinfra sandbox destroy broken`"):
        kinfra("up", "broken")
    kinfra("destroy", "broken")
    assert [one.name for one in registry.entries()] == ["whole"]


@pytest.mark.parametrize("name", ["", "Upper", "-x", "a/b", "x" * 31, *RESERVED])
def test_a_name_that_can_not_be_a_projects_is_refused(repository, name):
    with pytest.raises(InputError, match="can't name a sandbox"):
        create(name)
    assert registry.entries() == []


def test_outside_a_checkout_it_says_where_to_go(repository, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="lies in no git repository"):
        create("trial")


def test_the_list_tells_slots_ports_and_branches(repository, docker):
    entry = create("trial")
    told = kinfra("list").stdout.split()
    assert told == [
        *("trial", "slot", str(entry.slot), "port", str(8000 + entry.slot)),
        *("0", "running", "sandbox/trial"),
    ]


def test_local_prod_takes_the_standard_ports_for_itself(repository):
    done = CliRunner().invoke(app, ["local-prod", "init"])
    assert done.exit_code == 0, done.output
    entry = registry.find_entry("local-prod")
    variables = read_variables(entry.folder / ".env.sandbox")
    assert variables["KTRDR_API_PORT"] == "8000"
    assert variables["KTRDR_BACKEND_IMAGE"] == "ktrdr-backend:prod"
    # Again changes the images and keeps the rest.
    again = ["local-prod", "init", "--backend-image", "r/b:2"]
    assert CliRunner().invoke(app, again).exit_code == 0
    variables = read_variables(entry.folder / ".env.sandbox")
    assert variables["KTRDR_BACKEND_IMAGE"] == "r/b:2"
    with pytest.raises(ConflictError, match="slot 0 is local-prod's"):
        create("trial", slot=0)


def test_local_prod_is_no_sandbox_to_list_or_destroy(repository, docker):
    assert CliRunner().invoke(app, ["local-prod", "init"]).exit_code == 0
    assert json.loads(kinfra("list", "--json").stdout) == []
    with pytest.raises(InputError, match="use the commands of `kinfra local-prod`"):
        kinfra("destroy", "local-prod", "--force")
    assert registry.find_entry("local-prod").folder.exists()
    assert docker.calls == []
