"""How the page on images says that they are built, run and proven, done so."""

import json
import secrets
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ktrdr.cli.kinfra.images.build import own_platform
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.cli.kinfra.images.torch_source import find_torch, wanted_torch
from ktrdr.cli.kinfra.images.verify.subject import HOME
from ktrdr.cli.kinfra.images.verify.system import System, running_system
from tests.deployments.registry import Registry
from tests.documents import ROOT, section, words
from tests.environments.checkout import copy_checkout, variables
from tests.environments.terminal import Terminal
from tests.images.derived import CONTRACT, built

PAGE = "docs/images.md"
BUILDING = section(PAGE, "Building")[0]
(WHEELS,) = section(PAGE, "Without PyTorch's index")
RUNNING = section(PAGE, "Running")[0]
PROVING = section(PAGE, "Proving")[0]
READ = (BUILDING, WHEELS, RUNNING, PROVING)
pytestmark = pytest.mark.timeout(900)
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
HEALTHY_WITHIN_S = 120.0


@pytest.fixture
def system(engine: Engine) -> Iterator[System]:
    with running_system(built(engine, "backend")) as system:
        yield system


@pytest.fixture
def terminal(engine: Engine, tmp_path: Path) -> Terminal:
    """Lend a shell in a copy of this checkout."""
    if engine.name != "docker":
        pytest.skip("what the page types, it types for docker")
    for part in ("checkout", "home", "notes"):
        (tmp_path / part).mkdir()
    checkout = copy_checkout(tmp_path / "checkout")
    own = variables(checkout, tmp_path / "home")
    return Terminal(checkout, own, tmp_path / "notes", {})


@pytest.fixture
def name(engine: Engine) -> Iterator[str]:
    """Lend a name for images, none of which stays."""
    lent = f"ktrdr-page-{secrets.token_hex(4)}"
    yield lent
    form = "{{.Repository}}:{{.Tag}}"
    for one in engine.run("image", "ls", "--format", form).split():
        if one.startswith(f"{lent}:"):
            engine.run("image", "rm", one)


def test_a_dockerfile_builds_as_it_is(engine: Engine, terminal: Terminal, name: str):
    terminal.stand_ins = {"-t ktrdr-backend:prod": f"-t {name}:prod"}
    terminal.read(BUILDING)
    shown = engine.run("run", "--rm", f"{name}:prod", "ktrdr", "strategies", "schema")
    assert json.loads(shown)["properties"]


# `make images` takes the same way, where pip is configured with such a folder.
@pytest.mark.slow
def test_torch_comes_from_a_folder_of_wheels(
    engine: Engine, terminal: Terminal, name: str
):
    image = CONTRACT.image("worker-cpu")
    wanted = wanted_torch(CONTRACT, image, own_platform(), None)
    assert wanted is not None
    source = find_torch(wanted)
    if source.folder is None:
        pytest.skip(f"no folder that pip is configured with holds {wanted.wheels}")
    terminal.stand_ins = {
        "./wheels": str(source.folder),
        # Names of their own, and the release of Python that the wheel is for.
        "build worker-cpu": f"build worker-cpu --tag {name}:kinfra",
        "docker build": f"docker build -t {name}:docker "
        f"--build-arg PYTHON_VERSION={source.python}",
    }
    terminal.read(WHEELS)
    program = "import torch; print(torch.__version__)"
    for tag in ("kinfra", "docker"):
        told = engine.run("run", "--rm", f"{name}:{tag}", "python", "-c", program)
        assert told.strip() == f"{wanted.release}+{wanted.build}"


def test_an_image_of_a_registry_is_proven_by_its_digest(
    engine: Engine, terminal: Terminal, tmp_path: Path
):
    # The first is what `make verify-images` does.
    everything, by_digest = PROVING.statements
    assert everything.split("#")[0].strip() in MAKEFILE.replace("$(BIN)", ".venv/bin")
    folder = tmp_path / "registry"
    folder.mkdir()
    with Registry(engine, folder).serving() as registry:
        origin = built(engine, "backend").reference
        digest = registry.add(origin, "me/ktrdr-backend", "x")
        reference = f"{registry.address}/me/ktrdr-backend@{digest}"
        engine.run("pull", reference)
        terminal.stand_ins = {"ghcr.io/OWNER/ktrdr-backend@sha256:...": reference}
        try:
            terminal.type(by_digest)
        finally:
            engine.run("image", "rm", reference)


def test_the_commands_work_in_their_order(
    engine: Engine, system: System, tmp_path: Path
):
    url = f"postgresql://postgres:{system.password}@{system.name}-db/postgres"
    variables = f"KTRDR_DATABASE_URL={url}\nKTRDR_STORE_URL={HOME}/store\n"
    (tmp_path / "ktrdr.env").write_text(variables)
    started: list[str] = []
    try:
        for command in RUNNING.commands:
            printed = run(engine, system, command, tmp_path)
            if "-d" in words(command):
                started.append(printed)
                wait_healthy(engine, printed)
    finally:
        for container in started:
            engine.attempt("rm", "--force", "--volumes", container)


def run(engine: Engine, system: System, command: str, folder: Path) -> str:
    """Run a command in the system's network, on the folder that it shares."""
    docker, verb, *arguments = words(command)
    assert (docker, verb) == ("docker", "run")
    shared = [f"--network={system.name}", f"--volume={system.name}:{HOME}"]
    stand_ins = {
        "8000:8000": "127.0.0.1::8000",
        ".:/app/src": f"{ROOT}:/app/src",
        "ktrdr.env": str(folder / "ktrdr.env"),
    }
    told = [stand_ins.get(one, one) for one in arguments]
    done = subprocess.run(
        [engine.name, "run", *shared, *told], capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def wait_healthy(engine: Engine, container: str) -> None:
    template = "{{.State.Health.Status}}"
    deadline_s = time.monotonic() + HEALTHY_WITHIN_S
    while engine.run("inspect", "--format", template, container).strip() != "healthy":
        log = engine.attempt("logs", "--tail=20", container)
        assert time.monotonic() < deadline_s, f"{log.out}{log.err}"
        time.sleep(0.2)
