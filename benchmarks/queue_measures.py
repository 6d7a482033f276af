"""What a queue with its workers reaches, on an embedded PostgreSQL of its own."""

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from ktrdr.database import Database, EmbeddedPostgres, upgrade
from ktrdr.operations import NewOperation, Operations

PATIENCE_S = 120.0


async def make_tables(url: str) -> None:
    """Bring a database to the schema of this ktrdr."""
    async with Database(url) as database:
        await upgrade(database)


def statements_per_s(url: str, seconds: float) -> float:
    """Return transactions a second, which idle workers' single statements are."""
    with psycopg.connect(url, autocommit=True) as connection:
        query = "SELECT xact_commit FROM pg_stat_database WHERE datname = %s"

        def committed() -> int:
            connection.execute("SELECT pg_stat_clear_snapshot()")
            row = connection.execute(query, [connection.info.dbname]).fetchone()
            return int(row[0]) if row else 0

        before = committed()
        time.sleep(seconds)
        return (committed() - before) / seconds


async def start_latencies(url: str, n: int) -> list[float]:
    """Return seconds from an operation's creation to its start, one at a time."""
    async with Database(url) as database:
        operations = Operations(database)
        delays = []
        for number in range(n):
            made = await operations.create(_probe(number))
            while True:
                found = await operations.get_document(made.operation.id)
                if found.started_at is not None:
                    break
                await asyncio.sleep(0.005)
            delays.append((found.started_at - found.created_at).total_seconds())
    return delays


async def probe_rate(url: str, n: int) -> float:
    """Return operations a second, from the first start to the last end."""
    async with Database(url, max_size=8) as database:
        operations = Operations(database)
        parent = _probe(0, kind="sweep", queue="nobody")
        children = [_probe(number) for number in range(n)]
        made = await operations.create(parent, children)
        while (await operations.get_document(made.operation.id)).n_open_children:
            await asyncio.sleep(0.05)
    query = (
        "SELECT extract(epoch FROM max(finished_at) - min(started_at)) "
        "FROM ktrdr.operations WHERE parent_id = %s"
    )
    with psycopg.connect(url) as connection:
        row = connection.execute(query, [made.operation.id]).fetchone()
    return n / float(row[0]) if row else 0.0


def _probe(
    number: int, *, kind: str = "probe", queue: str = "backtest"
) -> NewOperation:
    return NewOperation(kind=kind, title=f"probe {number}", queue=queue, request={})


@contextmanager
def server(home: Path, options: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run a PostgreSQL and lend its URL; ``options`` are settings of PostgreSQL."""
    postgres = EmbeddedPostgres(home / "postgres", options=options, ends_with_us=True)
    postgres.start()
    try:
        yield postgres.url
    finally:
        postgres.stop()


def environment_of(home: Path, url: str) -> dict[str, str]:
    """Return the environment of a program on the database at ``url``."""
    return {
        **os.environ,
        "KTRDR_HOME": str(home),
        "KTRDR_DATABASE_URL": url,
        "KTRDR_LOG_LEVEL": "warning",
    }


@contextmanager
def running(command: Sequence[str], home: Path, url: str) -> Iterator[None]:
    """Run a program on the database at ``url`` until the block ends."""
    process = subprocess.Popen(
        command,
        env=environment_of(home, url),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def wait_workers(url: str, n: int) -> None:
    """Wait until ``n`` workers take work."""
    deadline_s = time.monotonic() + PATIENCE_S
    with psycopg.connect(url, autocommit=True) as connection:
        query = "SELECT count(*) FROM ktrdr.workers WHERE state = 'ready'"
        while time.monotonic() < deadline_s:
            if connection.execute(query).fetchone() == (n,):
                return
            time.sleep(0.05)
    raise TimeoutError(f"there are no {n} workers after {PATIENCE_S:g} s")
