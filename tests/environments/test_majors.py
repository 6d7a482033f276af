"""Backups go from the embedded PostgreSQL to the containers' older one, and back."""

import asyncio
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.database import Database, backup, restore, upgrade
from ktrdr.database.embedded import MAJOR
from ktrdr.operations import AttemptToken, Listener, OperationFilter, Operations
from tests.contracts.environments.composed import FOLDER, references
from tests.integration.test_operations_queue import new, until_ended, working
from tests.postgres import TestServer

IN_CONTAINERS = 17
READY_WITHIN_S = 60.0


def image() -> str:
    """Return the image that the environments run if nobody names another."""
    text = (FOLDER / "homelab" / "docker-compose.core.yml").read_text("utf-8")
    (default,) = dict(references(text))["KTRDR_POSTGRES_IMAGE"]
    return default


@dataclass(frozen=True)
class Server:
    """A container with an empty database, on a free port of loopback."""

    name: str
    url: str


@pytest.fixture(scope="module")
def container(engine: Engine) -> Iterator[Server]:
    name, password = f"ktrdr-test-majors-{secrets.token_hex(4)}", secrets.token_hex(16)
    variables = {"POSTGRES_USER": "ktrdr", "POSTGRES_PASSWORD": password}
    told = [part for one in variables.items() for part in ("--env", "=".join(one))]
    place = ("--publish=127.0.0.1::5432", "--tmpfs=/var/lib/postgresql/data")
    engine.run("run", "--detach", f"--name={name}", *place, *told, image())
    try:
        address = engine.run("port", name, "5432/tcp").split()[0]
        url = f"postgresql://ktrdr:{password}@{address}/ktrdr"
        await_server(url)
        yield Server(name, url)
    finally:
        engine.run("rm", "--force", "--volumes", name)


def await_server(url: str) -> None:
    deadline_s = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.2)


@pytest.fixture
def in_container(container: Server) -> Iterator[str]:
    """Lend the container's database; what a test makes there goes."""
    yield container.url
    with psycopg.connect(container.url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA ktrdr CASCADE")


@pytest.fixture
def embedded(postgres_server: TestServer) -> Iterator[str]:
    with postgres_server.database(template="template0") as url:
        yield url


async def fill(url: str) -> None:
    """Bring a database to the schema, with one operation that waits and one that ended.

    Its work goes with it: the job that waits lies in the queue.
    """
    async with Database(url, max_size=4) as database:
        await upgrade(database)
        operations = Operations(database)
        await operations.create(new("waits"))
        ended = await operations.create(new("ended"))
        await operations.cancel(ended.operation.id)


async def states(operations: Operations) -> dict[str, str]:
    page = await operations.list_page(OperationFilter(), limit=10)
    return {one.title: one.state.value for one in page.items}


async def go_on(url: str) -> dict[str, str]:
    """Let a worker do what waits, and return what became of all operations."""
    async with (
        Database(url, max_size=8) as database,
        Listener(database) as listener,
    ):
        operations = Operations(database)
        assert await states(operations) == {"waits": "pending", "ended": "cancelled"}

        async def work(token: AttemptToken) -> None:
            await operations.claim(token, "w1")
            await operations.complete(token, {})

        await operations.create(new("made here"))
        page = await operations.list_page(OperationFilter(), limit=10)
        async with working(url, work):
            for one in page.items:
                await until_ended(operations, listener, one.id)
        return await states(operations)


@pytest.mark.parametrize(
    ("origin", "target", "majors"),
    [
        ("embedded", "in_container", (MAJOR, IN_CONTAINERS)),
        ("in_container", "embedded", (IN_CONTAINERS, MAJOR)),
    ],
    ids=["from a laptop", "to a laptop"],
)
def test_operations_go_on_in_a_postgresql_of_another_major(
    request: pytest.FixtureRequest, tmp_path: Path, origin: str, target: str, majors
):
    before, after = (request.getfixturevalue(name) for name in (origin, target))
    asyncio.run(fill(before))
    made = backup(before, tmp_path / "ktrdr.dump")
    with psycopg.connect(after) as connection:
        there = connection.info.server_version // 10_000
    assert (made.server_major, there) == majors
    assert restore(after, made.path).upgraded == []
    assert asyncio.run(go_on(after)) == {
        "waits": "completed",
        "ended": "cancelled",
        "made here": "completed",
    }


def test_the_containers_programs_load_a_backup_of_the_embedded_one(
    engine: Engine, container: Server, in_container: str, embedded: str, tmp_path: Path
):
    """As the operations guide moves a laptop's system to a homelab."""
    asyncio.run(fill(embedded))
    made = backup(embedded, tmp_path / "laptop.dump")
    assert made.server_major == MAJOR
    program = ("pg_restore", "--username=ktrdr", "--dbname=ktrdr", "--no-owner")
    how = ("--no-privileges", "--exit-on-error", "--single-transaction")
    call = ("exec", "--interactive", container.name, *program, *how)
    engine.pour(*call, source=made.path)
    assert asyncio.run(go_on(in_container))["waits"] == "completed"
