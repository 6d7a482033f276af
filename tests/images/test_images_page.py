"""How the page on images says that they are run, done so."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.cli.kinfra.images.verify.subject import HOME
from ktrdr.cli.kinfra.images.verify.system import System, running_system
from tests.documents import ROOT, blocks, words
from tests.images.derived import built

pytestmark = pytest.mark.timeout(900)
(RUNNING,) = (
    block for block in blocks(ROOT / "docs" / "images.md") if "docker run" in block.text
)
# A GPU is rare, and what it needs is in the image that nobody builds by the way.
COMMANDS = [command for command in RUNNING.commands if "worker-gpu" not in command]
HEALTHY_WITHIN_S = 120.0


@pytest.fixture
def system(engine: Engine) -> Iterator[System]:
    with running_system(built(engine, "backend")) as system:
        yield system


def test_what_is_left_out_is_the_gpu_alone():
    assert len(RUNNING.commands) - len(COMMANDS) == 1
    assert len(COMMANDS) == 7


def test_the_commands_work_in_their_order(
    engine: Engine, system: System, tmp_path: Path
):
    url = f"postgresql://postgres:{system.password}@{system.name}-db/postgres"
    variables = f"KTRDR_DATABASE_URL={url}\nKTRDR_STORE_URL={HOME}/store\n"
    (tmp_path / "ktrdr.env").write_text(variables)
    started: list[str] = []
    try:
        for command in COMMANDS:
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
