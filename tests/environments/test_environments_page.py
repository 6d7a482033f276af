"""The commands of the page on environments, done as it says."""

import os
import random
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ktrdr.cli.kinfra.canary.trial import SHORT
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.client import Client
from ktrdr.database.embedded.ports import free_port
from ktrdr.schemas import OperationState, TrainingStart
from ktrdr.strategy import find_strategy, read_strategy_text, with_overrides
from tests.documents import section
from tests.environments.checkout import copy_checkout, variables
from tests.environments.homelab import SET_UP, Homelab
from tests.environments.terminal import Terminal
from tests.environments.traces import remove, traces
from tests.images.derived import built
from tests.unit.workers.processes import wait_until

PAGE = "docs/environments.md"
(SANDBOX,) = section(PAGE, "Sandboxes")
LOCAL_PROD, DUMP, LOAD = section(PAGE, "local-prod")
LOCAL, NATIVE = section(PAGE, "Local, by plain compose")
READ = (SANDBOX, LOCAL_PROD, DUMP, LOAD, LOCAL, NATIVE, *SET_UP)
pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """Lend a shell in a copy of this checkout, as somebody who has nothing else."""
    for part in ("checkout", "home", "notes"):
        (tmp_path / part).mkdir()
    checkout = copy_checkout(tmp_path / "checkout")
    own = variables(checkout, tmp_path / "home")
    return Terminal(checkout, own, tmp_path / "notes", {})


@pytest.fixture
def gone(docker: Engine) -> Iterator[list[str]]:
    """Take names of projects, of which nothing is left afterwards."""
    names: list[str] = []
    yield names
    for name in names:
        remove(docker, name)
        assert traces(docker, name) == []


def own_address() -> str:
    """Return an address of this machine alone that hardly anybody else uses."""
    return ".".join(["127", *(str(random.randint(1, 254)) for _ in range(3))])


def use(terminal: Terminal, printed: str) -> None:
    """Do what `up` says at its end, and ask the backend."""
    exports = re.findall(r"^ +(export .+)$", printed, re.MULTILINE)
    assert len(exports) == 2, printed
    for export in exports:
        terminal.type(export)
    assert re.search("Backend http://.*: ready", terminal.type("ktrdr status"))


def project_of(terminal: Terminal, name: str) -> str:
    """Return what kinfra calls an environment's compose project there."""
    module = "ktrdr.cli.kinfra.environments.registry"
    program = f"from {module} import project_of; print(project_of('{name}'))"
    return terminal.type(f'python -c "{program}"').strip()


def test_a_sandbox_lives_from_create_to_destroy(
    docker: Engine, terminal: Terminal, gone: list[str]
):
    built(docker, "dev")
    gone.append(project_of(terminal, "sandbox-trial"))
    before = terminal.type("git worktree list && git branch")
    source = Path(terminal.variables["KTRDR_ENVIRONMENTS"]) / "trial/source"
    for command in SANDBOX.statements:
        if "logs" in command:
            with terminal.begin(command) as following:
                following.until("backend-1 .*the backend listens")
                # What is stopped by Ctrl-C says so.
                assert following.interrupt() == 130
        elif "shell" in command:
            # It knows its system, and has the worktree's strategies.
            examples = source / "strategies"
            shutil.copy(examples / "minimal.yaml", examples / "mine.yaml")
            typed = "id\nktrdr status\nktrdr strategies list\n"
            said = terminal.type(command, stdin=typed)
            (examples / "mine.yaml").unlink()
            for told in (
                "uid=10001",
                r"Backend http://127\.0\.0\.1:8000: ready",
                "mine",
            ):
                assert re.search(told, said), said
        elif "destroy" in command:
            # The two volumes and the worktree are still there, and work in it is kept.
            assert len(traces(docker, gone[0])) == 2
            work = source / "work"
            work.touch()
            refused = terminal.attempt(command)
            assert "in no commit: work" in refused.stderr
            work.unlink()
            assert "trial is gone." in terminal.type(command)
        else:
            printed = terminal.type(command)
            if "up" in command.split():
                use(terminal, printed)
    assert traces(docker, gone[0]) == []
    assert terminal.type("git worktree list && git branch") == before


def test_local_prod_runs_what_was_built_and_keeps_its_data(
    docker: Engine, terminal: Terminal, gone: list[str]
):
    backend, _ = built(docker, "backend"), built(docker, "worker-cpu")
    gone.append(project_of(terminal, "local-prod"))
    init, up, status, logs, down, destroy = LOCAL_PROD.statements
    terminal.type(init)
    folder = Path(terminal.variables["KTRDR_ENVIRONMENTS"]) / "local-prod"
    # The standard ports may be somebody's; on an address of its own they are free.
    file = folder / ".env.sandbox"
    file.write_text(file.read_text().replace("=127.0.0.1", f"={own_address()}"))
    use(terminal, terminal.type(up))
    terminal.type("ktrdr data sample")
    identifier = str(docker.inspect(backend.reference)["Id"]).partition(":")[2]
    assert identifier[:12] in terminal.type(status)
    assert "the backend listens" in terminal.type(logs)
    terminal.stand_ins = {"-p ktrdr-local-prod": f"-p {gone[0]}"}
    terminal.read(DUMP)
    auth = "docker compose -p ktrdr-local-prod exec -T backend ktrdr auth"
    terminal.type(f"{auth} create later --role viewer")
    assert "later" in terminal.type(f"{auth} list")
    terminal.read(LOAD)
    assert "later" not in terminal.type(f"{auth} list")
    terminal.type(down)
    # Its two volumes.
    assert len(traces(docker, gone[0])) == 2
    assert "local-prod is gone." in terminal.type(destroy)
    assert traces(docker, gone[0]) == []


def test_local_runs_by_compose_alone_and_a_worker_of_the_machine_joins(
    docker: Engine, terminal: Terminal, gone: list[str]
):
    built(docker, "dev")
    name = f"ktrdr-page-local-{secrets.token_hex(3)}"
    gone.append(name)
    port, database_port = free_port(None), free_port(None)
    terminal.stand_ins = {
        "127.0.0.1:5432": f"127.0.0.1:{database_port}",
        "--device mps": "--device cpu",
    }
    (terminal.folder / "deploy/environments/local/.env").write_text(
        f"COMPOSE_PROJECT_NAME={name}\n"
        f"KTRDR_API_PORT={port}\nKTRDR_DATABASE_PORT={database_port}\n"
        # The machine's own is to do the work.
        "KTRDR_TRAINING_WORKERS=0\n"
    )
    token = re.findall(r"ktrdr_\S+", terminal.read(LOCAL))[0]
    with Client(f"http://127.0.0.1:{port}", token) as client:
        assert client.system.ready().status == "ready"
        *before, worker = NATIVE.statements
        for command in before:
            terminal.type(command)
        # Another shell brings up the same.
        assert "KTRDR_DATA" not in terminal.variables
        folder = Path(terminal.variables["HOME"]) / "ktrdr-data"
        assert f"source: {folder}\n" in terminal.type("docker compose config")
        with terminal.begin(worker) as running:
            running.until("ready")
            # Named after the machine; in containers there is none of its kind.
            assert train(client).startswith(os.uname().nodename)
            assert running.interrupt() == 0


def train(client: Client) -> str:
    """Train the smallest strategy; return the host of the worker that did."""
    client.data.store_sample()
    text = read_strategy_text(find_strategy("minimal"))
    quick, _ = with_overrides(text, SHORT, "minimal")
    start = TrainingStart(strategy=quick, source="minimal", device="cpu")
    operation = client.operations.start(start).id
    assert wait_until(lambda: client.operations.get(operation).state.is_final, 120)
    done = client.operations.get(operation)
    assert done.state is OperationState.COMPLETED, done.error
    return str(done.worker)


def test_the_homelab_of_the_page_answers_to_its_tokens(page_homelab: Homelab):
    with page_homelab.client() as client:
        assert client.system.ready().status == "ready"
        assert "ready" in {one.state for one in client.system.workers()}
        place = page_homelab.terminal.folder / "secrets"
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        token = (place / "metrics-token").read_text().strip()
        shown = httpx.get(
            f"{client.url}/metrics", headers={"Authorization": f"Bearer {token}"}
        )
        assert shown.status_code == 200
        assert httpx.get(f"{client.url}/metrics").status_code == 401
