"""The operations guide's commands for containers, done as it says."""

import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from ktrdr.client import Client
from ktrdr.database.embedded.ports import free_port
from tests.documents import section
from tests.environments.homelab import (
    SECOND,
    SET_UP,
    WORKERS,
    Homelab,
    fill_in,
    terminal_in,
)
from tests.environments.terminal import Terminal
from tests.environments.traces import remove, traces
from tests.unit.workers.processes import wait_until

LEAVING, MOVING = section("docs/operations.md", "From a laptop to a homelab")
DUMP, LOAD = section("docs/operations.md", "Backup and restore of a homelab")
UPGRADE = section("docs/operations.md", "Upgrade")[1]
(BACK,) = section("docs/operations.md", "Going back")
LISTS = [f"ktrdr {what} list --json" for what in ("ops", "models", "data")]
READ = (DUMP, LOAD, MOVING, UPGRADE, BACK)
pytestmark = pytest.mark.timeout(900)


def test_an_upgrade_is_deployed_and_its_last_step_undone(page_homelab: Homelab):
    workers = page_homelab.runs("backtest-worker-1")
    tag = page_homelab.other()
    page_homelab.terminal.stand_ins = {SECOND: tag}
    page_homelab.terminal.read(UPGRADE)
    page_homelab.serves(backend=tag, workers=tag)
    page_homelab.terminal.read(BACK)
    page_homelab.serves(backend=tag, workers=workers)


def test_a_homelab_goes_back_to_its_backup(page_homelab: Homelab):
    shell = page_homelab.terminal
    before = {one: page_homelab.runs(one) for one in ("backend", *WORKERS)}
    shell.read(DUMP)
    assert stat.S_IMODE((shell.folder / "homelab.dump").stat().st_mode) == 0o600
    core = "docker compose -f docker-compose.core.yml exec -T"
    shell.type(f"{core} backend ktrdr auth create later --role viewer")
    tokens = f"{core} backend ktrdr auth list"
    assert "later" in shell.type(tokens)
    shell.read(LOAD)
    assert "later" not in shell.type(tokens)
    # Workers' rights are back too.
    shell.type(
        f"{core} database psql --username=ktrdr_worker --dbname=ktrdr "
        "--command='SELECT count(*) FROM ktrdr.operations'"
    )
    assert {one: page_homelab.runs(one) for one in before} == before
    with page_homelab.client() as client:
        assert wait_until(lambda: ready_workers(client) == len(WORKERS), 120)


def ready_workers(client: Client) -> int:
    return [one.state for one in client.system.workers()].count("ready")


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Terminal]:
    """Lend a shell beside a system that has bars, a model and a token."""
    terminal = terminal_in(tmp_path)
    terminal.variables["KTRDR_HOME"] = str(tmp_path / "laptop")
    terminal.variables["KTRDR_PORT"] = str(free_port(8000))
    try:
        yield terminal
    finally:
        terminal.attempt("ktrdr down")


def test_a_laptops_system_goes_on_in_a_homelab(
    page_homelab: Homelab, laptop: Terminal, tmp_path: Path
):
    laptop.type("ktrdr up && ktrdr data sample && ktrdr train minimal")
    token = re.findall(r"ktrdr_\S+", laptop.type("ktrdr auth create me --role admin"))
    before = [laptop.type(command) for command in LISTS]
    laptop.read(LEAVING)
    # What follows is another machine.
    backup, store = laptop.folder / "laptop.dump", tmp_path / "laptop" / "store"
    del laptop.variables["KTRDR_HOME"], laptop.variables["KTRDR_PORT"]
    name = f"ktrdr-page-moved-{secrets.token_hex(3)}"
    laptop.stand_ins = {"ktrdr-homelab_data": f"{name}_data"}
    laptop.read(SET_UP[0])
    fill_in(laptop.folder / ".env", name, page_homelab.registry)
    shutil.move(backup, laptop.folder)
    shutil.move(store, laptop.folder)
    engine = page_homelab.engine
    try:
        laptop.read(MOVING)
        (port,) = engine.run("port", f"{name}-backend-1", "8000/tcp").split()
        laptop.variables["KTRDR_API_URL"] = f"http://{port}"
        laptop.variables["KTRDR_API_TOKEN"] = token[0]
        assert [laptop.type(command) for command in LISTS] == before
    finally:
        remove(engine, name)
    assert traces(engine, name) == []
