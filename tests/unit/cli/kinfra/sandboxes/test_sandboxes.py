"""Sandboxes are made of real worktrees, and destroyed with nobody's work."""

import json
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

import ktrdr.cli.kinfra as kinfra_package
from ktrdr.cli.kinfra.compose import read_variables
from ktrdr.cli.kinfra.doctor import machine
from ktrdr.cli.kinfra.environments import registry
from ktrdr.cli.kinfra.environments.secret_files import keep_token
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.cli.kinfra.images.verify.check import Fault
from ktrdr.cli.kinfra.main import app
from ktrdr.cli.kinfra.sandboxes.sandbox import create
from ktrdr.errors import ConflictError, InputError, KtrdrError, NotFoundError
from ktrdr.settings import settings

RESERVED = ("local-prod", "deployments")
TEMPLATES = Path(kinfra_package.__file__).parent / "templates"


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
    for name in ("ktrdr/__init__.py", "deploy/images.toml"):
        (folder / name).parent.mkdir()
        (folder / name).touch()
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
    digest = f"r/b@sha256:{'1' * 64}"
    kinfra("create", "trial", "--backend-image", digest, "--worker-image", "w:1")
    variables = read_variables(registry.find_entry("trial").folder / ".env.sandbox")
    assert variables["KTRDR_SOURCE"] == ""
    assert variables["KTRDR_BACKEND_IMAGE"] == digest
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


@pytest.mark.parametrize("has_other", [True, False])
def test_a_sandbox_outlives_its_repository_until_it_is_forced(
    repository, docker, tmp_path, monkeypatch, has_other
):
    entry = create("trial")
    origin = repository.rename(tmp_path / "origin")
    git(tmp_path, "clone", "-q", str(origin), str(repository))
    monkeypatch.chdir(repository)
    if has_other:
        # Git now calls this one what it called the first one before.
        other = create("other")
    told = r"no repository's list of worktrees .*save what you need of it, and give --f"
    with pytest.raises(ConflictError, match=told):
        kinfra("destroy", "trial")
    assert docker.calls == []
    assert (entry.source / "ktrdr/__init__.py").exists()
    assert kinfra("destroy", "trial", "--force").stdout == "trial is gone.\n"
    assert not entry.folder.exists()
    assert [one.name for one in registry.entries()] == ["other"] * has_other
    if has_other:
        assert git(other.source, "status", "--porcelain") == ""
        kinfra("destroy", "other")


def test_a_sandbox_whose_repository_was_moved_and_cloned_back_can_be_destroyed(
    repository, docker, tmp_path
):
    entry = create("trial")
    moved = repository.rename(tmp_path / "moved")
    git(moved, "worktree", "repair", str(entry.source))
    git(tmp_path, "clone", "-q", str(moved), str(repository))
    kinfra("destroy", "trial")
    assert not entry.folder.exists()
    assert len(git(moved, "worktree", "list").splitlines()) == 1


def test_a_sandbox_whose_repository_is_none_any_more_can_be_destroyed(
    repository, docker
):
    entry = create("trial")
    shutil.rmtree(repository / ".git")
    with pytest.raises(ConflictError, match="give --force"):
        kinfra("destroy", "trial")
    kinfra("destroy", "trial", "--force")
    assert not entry.folder.exists()
    assert registry.entries() == []


def test_commits_of_no_branch_are_not_dropped(repository, docker):
    entry = create("trial")
    git(entry.source, "switch", "-q", "--detach")
    for number in range(2):
        message = f"work {number}"
        git(entry.source, "commit", "-q", "--allow-empty", "-m", message)
    with pytest.raises(ConflictError, match=r"no branch: [0-9a-f]+ work 1 and 1 more;"):
        kinfra("destroy", "trial")
    assert registry.entries() == [entry]
    # On a branch they outlive the sandbox.
    git(entry.source, "switch", "-q", "--create", "kept")
    kinfra("destroy", "trial")
    assert git(repository, "log", "-1", "--format=%s", "kept") == "work 1"


def test_a_relative_folder_of_environments_is_one_for_git_too(
    repository, docker, monkeypatch
):
    monkeypatch.setenv("KTRDR_ENVIRONMENTS", "../environments")
    settings.cache_clear()
    entry = create("trial")
    assert entry.folder.is_absolute()
    monkeypatch.chdir(entry.source)
    kinfra("destroy", "trial")
    assert not entry.folder.exists()
    assert len(git(repository, "worktree", "list").splitlines()) == 1


@pytest.mark.parametrize("place", ["/proc/x", "file/x"])
def test_a_folder_that_can_not_be_written_is_told(repository, monkeypatch, place):
    (repository / "file").touch()
    monkeypatch.setenv("KTRDR_ENVIRONMENTS", place)
    settings.cache_clear()
    told = "x can't be written .*name another with KTRDR_ENVIRONMENTS"
    with pytest.raises(InputError, match=told):
        create("trial")
    with pytest.raises(Fault, match=told):
        machine.folder()


WORK = """
import sys
from ktrdr.cli.kinfra.environments.registry import at_work, find_entry
with at_work(find_entry(sys.argv[1])):
    print("at work", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_at_work(name: str):
    command = [sys.executable, "-c", WORK, name]
    # Not in the repository, which would be taken for the package.
    here = Path(__file__).parent
    with subprocess.Popen(
        command, cwd=here, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "at work\n"
        yield
        other.stdin.close()
    assert other.returncode == 0


def test_two_are_not_at_work_on_one_environment(repository, docker):
    create("trial")
    create("other")
    assert CliRunner().invoke(app, ["local-prod", "init"]).exit_code == 0
    for name, area in (("trial", ["sandbox"]), ("local-prod", ["local-prod"])):
        named = [name] if area == ["sandbox"] else []
        with another_at_work(name):
            verbs = [["up"], ["down"], ["destroy", "--force"]]
            for verb in verbs if named else [*verbs, ["init"]]:
                done = CliRunner().invoke(app, [*area, *verb, *named])
                assert isinstance(done.exception, ConflictError)
                assert f"another kinfra is at work on {name}" in str(done.exception)
            assert kinfra("down", "other").exit_code == 0
        assert CliRunner().invoke(app, [*area, "down", *named]).exit_code == 0
    # None of what was refused has reached the engine.
    assert [call[-1] for call in docker.calls] == ["down"] * 4


def test_a_sandbox_that_can_not_be_made_leaves_nothing(repository):
    with pytest.raises(NotFoundError, match="'no-such-commit' is no branch"):
        create("trial", start="no-such-commit")
    with pytest.raises(InputError, match="'bad branch' can't name a branch"):
        create("trial", branch="bad branch")
    with pytest.raises(ConflictError, match=r"main is checked out .* `--from main`"):
        create("trial", branch="main")
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
    # What the engine has of it goes as well.
    (down,) = [call for call in docker.calls if "down" in call]
    assert down[-3:] == ["down", "--volumes", "--remove-orphans"]
    assert f"--project-name={registry.project_of('sandbox-broken')}" in down
    assert [one.name for one in registry.entries()] == ["whole"]


@pytest.mark.parametrize("name", ["", "Upper", "-x", "a/b", "x" * 31, *RESERVED])
def test_a_name_that_can_not_be_a_projects_is_refused(repository, name):
    with pytest.raises(InputError, match="can't name a sandbox"):
        create(name)
    assert registry.entries() == []


@pytest.mark.parametrize("name", ["ktrdr/__init__.py", "deploy/images.toml"])
def test_a_repository_of_something_else_is_refused(repository, name):
    (repository / name).unlink()
    with pytest.raises(InputError, match=f"no checkout of ktrdr, it lacks {name}:"):
        create("trial")
    assert registry.entries() == []


@pytest.mark.parametrize("is_beside", [True, False])
def test_a_bare_repository_has_sandboxes_too(
    repository, docker, tmp_path, monkeypatch, is_beside
):
    project = tmp_path / "project"
    bare = project / ".bare" if is_beside else tmp_path / "ktrdr.git"
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(bare))
    git(bare, "worktree", "add", "-q", str(project / "main"), "main")
    if is_beside:
        (project / ".git").write_text("gitdir: ./.bare\n")
    monkeypatch.chdir(project / "main" / "ktrdr")
    entry = create("trial")
    assert (entry.source / "ktrdr/__init__.py").exists()
    assert kinfra("destroy", "trial").stdout == "trial is gone.\n"
    assert branches(bare) == ["main"]
    monkeypatch.chdir(bare)
    with pytest.raises(InputError, match="in no checkout of it"):
        create("trial")


def test_an_image_that_can_not_be_named_so_is_refused(repository):
    with pytest.raises(InputError, match="'BAD IMAGE' names no image"):
        kinfra("create", "trial", "--backend-image", "BAD IMAGE")
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


def answer_compose(engines, entry, verb: str, **answer) -> None:
    files = ("docker-compose.base.yml", "docker-compose.source.yml")
    words = (
        f"--project-name={registry.project_of(f'sandbox-{entry.name}')}",
        f"--project-directory={entry.folder}",
        *(f"--file={TEMPLATES / name}" for name in files),
        f"--env-file={entry.folder / '.env.sandbox'}",
    )
    engines.answer(f"compose {' '.join(words)} {verb}", **answer)


@pytest.mark.parametrize("lacking", ["compose", "image"])
def test_an_engine_that_can_not_start_it_does_not_have_it_from_then_on(
    repository, engines, lacking
):
    engines.install("docker")
    entry = create("trial")
    if lacking == "image":
        image = "services: {backend: {image: ktrdr-backend:dev}}"
        answer_compose(engines, entry, "config", out=image)
        engines.answer("image inspect", code=1)
    engines.answer("compose", code=1)
    with pytest.raises(KtrdrError):
        kinfra("up", "trial")
    assert registry.find_entry("trial") == entry
    for name in ("podman", "podman-compose"):
        engines.install(name)
    # Another one may be named.
    kinfra("destroy", "trial", "--engine", "podman")


def test_the_list_goes_on_where_an_engine_is_silent(repository, engines):
    for name in ("docker", "podman"):
        engines.install(name)
        registry.keep_engine(create(f"on-{name}"), Engine(name))
    create("new")
    shutil.rmtree(create("broken").folder)
    (engines.folder / "docker").write_text("#!/bin/sh\nexit 1\n")
    rows = {one["name"]: one for one in json.loads(kinfra("list", "--json").stdout)}
    told = {name: (one["running"], one["trouble"]) for name, one in rows.items()}
    assert told == {
        "on-docker": (None, "docker does not answer"),
        "on-podman": (0, None),
        "new": (0, None),
        "broken": (None, "its folder is gone"),
    }
    lines = kinfra("list").stdout.splitlines()
    assert ["docker does not answer" in line for line in lines] == [True, *[False] * 3]
    # None answers, and what is named does not.
    (engines.folder / "podman").write_text("#!/bin/sh\nexit 1\n")
    assert "its engine does not answer" in kinfra("list").stdout
    with pytest.raises(InputError, match="no container engine answers"):
        kinfra("list", "--engine", "podman")


def test_what_one_engine_has_is_not_sought_on_another(repository, engines):
    engines.install("docker")
    engines.install("podman")
    entry = create("trial")
    # It can't start; it may have left something all the same.
    answer_compose(engines, entry, "config", out="services: {}")
    answer_compose(engines, entry, "run", code=1)
    with pytest.raises(KtrdrError):
        kinfra("up", "trial")
    (engines.folder / "docker").write_text("#!/bin/sh\nexit 1\n")
    for command in (["status", "trial"], ["up", "trial"]):
        with pytest.raises(InputError, match="on docker, which does not answer"):
            kinfra(*command)
    with pytest.raises(InputError, match="on docker, which does not answer"):
        kinfra("destroy", "trial", "--force")
    with pytest.raises(ConflictError, match="on docker, not on podman"):
        kinfra("destroy", "trial", "--engine", "podman")
    assert registry.find_entry("trial").engine == "docker"
    assert entry.source.exists()
    assert "podman" not in [call[0] for call in engines.calls]


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
    assert variables["KTRDR_WORKER_IMAGE"] == "ktrdr-worker-cpu:prod"
    with pytest.raises(ConflictError, match="slot 0 is local-prod's"):
        create("trial", slot=0)


@pytest.mark.parametrize("is_whole", [True, False])
def test_local_prod_is_destroyed_on_purpose_alone(repository, docker, is_whole):
    area = "local-prod"
    assert CliRunner().invoke(app, [area, "init"]).exit_code == 0
    entry = registry.find_entry(area)
    refused = CliRunner().invoke(app, [area, "destroy"]).exception
    assert isinstance(refused, ConflictError)
    assert "with its data" in str(refused)
    assert docker.calls == []
    assert registry.entries() == [entry]
    if not is_whole:
        shutil.rmtree(entry.folder)
    done = CliRunner().invoke(app, [area, "destroy", "--force"])
    assert done.stdout == "local-prod is gone.\n"
    (down,) = docker.calls
    assert down[-3:] == ["down", "--volumes", "--remove-orphans"]
    assert f"--project-name={registry.project_of(area)}" in down
    assert not entry.folder.exists()
    assert registry.entries() == []


@pytest.mark.parametrize("command", ["up", "down", "status", "logs"])
def test_local_prod_without_its_folder_is_told(repository, docker, command):
    CliRunner().invoke(app, ["local-prod", "init"])
    shutil.rmtree(registry.find_entry("local-prod").folder)
    error = CliRunner().invoke(app, ["local-prod", command]).exception
    assert isinstance(error, NotFoundError)
    assert "was deleted: `kinfra local-prod destroy --force` removes" in str(error)
    assert docker.calls == []


def test_local_prod_keeps_what_init_is_not_told_to_change(repository):
    images = ["--backend-image", "r/b:2", "--worker-image", "r/w:2"]
    CliRunner().invoke(app, ["local-prod", "init", *images])
    file = registry.find_entry("local-prod").folder / ".env.sandbox"
    edited = file.read_text().replace("LEVEL=info", "LEVEL=debug") + "# mine\nMINE=1\n"
    file.write_text(edited)
    told = CliRunner().invoke(app, ["local-prod", "init"]).stdout
    assert file.read_text() == edited
    assert "KTRDR_BACKEND_IMAGE: r/b:2 stays\n" in told
    told = (
        CliRunner().invoke(app, ["local-prod", "init", "--worker-image", "w:3"]).stdout
    )
    assert file.read_text() == edited.replace("r/w:2", "w:3")
    assert "KTRDR_WORKER_IMAGE: r/w:2 -> w:3\n" in told


def test_local_prod_takes_no_image_that_can_not_be_named_so(repository):
    init = ["local-prod", "init", "--worker-image"]
    for bad in ("BAD IMAGE", ""):
        error = CliRunner().invoke(app, [*init, bad]).exception
        assert isinstance(error, InputError)
        assert f"{bad!r} names no image" in str(error)
    assert registry.entries() == []
    CliRunner().invoke(app, [*init, "r/w:2"])
    file = registry.find_entry("local-prod").folder / ".env.sandbox"
    before = file.read_text()
    assert CliRunner().invoke(app, [*init, "a\nMINE=1"]).exit_code
    assert file.read_text() == before


def test_local_prod_is_no_sandbox_to_list_or_destroy(repository, docker):
    assert CliRunner().invoke(app, ["local-prod", "init"]).exit_code == 0
    assert json.loads(kinfra("list", "--json").stdout) == []
    with pytest.raises(InputError, match="use the commands of `kinfra local-prod`"):
        kinfra("destroy", "local-prod", "--force")
    assert registry.find_entry("local-prod").folder.exists()
    assert docker.calls == []
