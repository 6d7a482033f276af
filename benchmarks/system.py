"""How fast the system starts, and how fast its queue is."""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

from ktrdr.database import Database, EmbeddedPostgres, upgrade
from ktrdr.database.embedded.ports import free_port
from ktrdr.operations import NewOperation, Operations

_IMPORT = "ktrdr.api.main"
_IMPORT_AIM_S, _IMPORT_AIM_MB = 1.0, 100
_READY_AIM_S = 3.0
_PROBE_AIM, _LATENCY_AIM_MS, _IDLE_AIM = 200, 50, 2.0
_PATIENCE_S = 120.0


def main(console: Console, *, quick: bool) -> None:
    """Measure and print."""
    rounds = 1 if quick else 5
    with tempfile.TemporaryDirectory(prefix="ktrdr-bench-") as folder:
        home = Path(folder)
        _print_starts(console, home, rounds)
        _print_queue(console, home, n=100 if quick else 2_000, idle_s=5 * rounds)


def _print_starts(console: Console, home: Path, rounds: int) -> None:
    table = Table(title="Backend, least of rounds", title_justify="left")
    for column in ("what", "as it is", "with torch", "aim"):
        table.add_column(column, justify="left" if column == "what" else "right")
    plain, torch = (_imported(before, rounds) for before in ("", "torch, "))
    table.add_row(
        f"import {_IMPORT}, CPU s",
        f"{plain[0]:.2f}",
        f"{torch[0]:.2f}",
        f"{_IMPORT_AIM_S:g}",
    )
    table.add_row(
        "the same, MB RSS", f"{plain[1]:.0f}", f"{torch[1]:.0f}", f"{_IMPORT_AIM_MB}"
    )
    with _server(home) as url:
        asyncio.run(_upgrade(url))
        served = [_served(home, url, before, rounds) for before in ("", "import torch")]
    table.add_row("process to ready, s", *(f"{one:.2f}" for one in served), "")
    up = _up(home, rounds)
    table.add_row(
        "`ktrdr up` to ready, s", f"{up:.2f}", "", f"{_READY_AIM_S:g}", end_section=True
    )
    console.print(table)


def _imported(before: str, rounds: int) -> tuple[float, float]:
    """Return CPU seconds and resident MB of a process that imports the backend."""
    code = (
        f"import {before}{_IMPORT}, psutil, time\n"
        "print(time.process_time(), psutil.Process().memory_info().rss / 1e6)"
    )
    found = []
    for _ in range(rounds):
        done = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        )
        seconds, megabytes = map(float, done.stdout.split())
        found.append((seconds, megabytes))
    return min(found)


def _served(home: Path, url: str, before: str, rounds: int) -> float:
    """Return seconds from the start of the backend's process until it is ready."""
    found = []
    for _ in range(rounds):
        port = free_port(None)
        code = (
            f"{before}\nimport sys\n"
            f"sys.argv = ['ktrdr', 'serve', '--port', '{port}']\n"
            "from ktrdr.cli.main import main\nmain()"
        )
        began_s = time.perf_counter()
        with _running([sys.executable, "-c", code], home, url):
            _wait_ready(f"http://127.0.0.1:{port}")
            found.append(time.perf_counter() - began_s)
    return min(found)


def _up(home: Path, rounds: int) -> float:
    """Return seconds that ``ktrdr up`` takes where the database exists."""
    environment = {**os.environ, "KTRDR_HOME": str(home)}
    environment.pop("KTRDR_DATABASE_URL", None)

    def ktrdr(*arguments: str) -> None:
        command = [sys.executable, "-m", "ktrdr", *arguments]
        subprocess.run(command, check=True, env=environment, capture_output=True)

    found = []
    for _ in range(rounds):
        began_s = time.perf_counter()
        ktrdr("up")
        found.append(time.perf_counter() - began_s)
        ktrdr("down")
    return min(found)


def _print_queue(console: Console, home: Path, *, n: int, idle_s: float) -> None:
    table = Table(
        title="Queue, two workers that take 8 jobs each", title_justify="left"
    )
    for column in ("what", "reached", "aim"):
        table.add_column(column, justify="left" if column == "what" else "right")
    with _server(home) as url, ExitStack() as stack:
        asyncio.run(_upgrade(url))
        for number in range(2):
            worker = [sys.executable, "-m", "ktrdr", "worker", "backtest"]
            options = ["--name", f"bench-{number}", "--concurrency", "8"]
            stack.enter_context(_running([*worker, *options], home, url))
        _wait_workers(url, 2)
        idle = _idle_statements(url, idle_s) / 2
        delays = asyncio.run(_start_latencies(url, max(10, n // 20)))
        rate = asyncio.run(_probe_rate(url, n))
    table.add_row(f"{n:,} no-op jobs, 1/s", f"{rate:,.0f}", f"{_PROBE_AIM}")
    p99 = statistics.quantiles(delays, n=100)[98]
    table.add_row(
        "created to started, ms, p50 / p99",
        f"{statistics.median(delays) * 1e3:.0f} / {p99 * 1e3:.0f}",
        f"{_LATENCY_AIM_MS}",
    )
    table.add_row("statements of an idle worker, 1/s", f"{idle:.2f}", f"{_IDLE_AIM:g}")
    console.print(table)


async def _upgrade(url: str) -> None:
    async with Database(url) as database:
        await upgrade(database)


def _idle_statements(url: str, seconds: float) -> float:
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


async def _start_latencies(url: str, n: int) -> list[float]:
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


async def _probe_rate(url: str, n: int) -> float:
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
def _server(home: Path) -> Iterator[str]:
    server = EmbeddedPostgres(home / "postgres", ends_with_us=True)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


@contextmanager
def _running(command: Sequence[str], home: Path, url: str) -> Iterator[None]:
    environment = {
        **os.environ,
        "KTRDR_HOME": str(home),
        "KTRDR_DATABASE_URL": url,
        "KTRDR_LOG_LEVEL": "warning",
    }
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _wait_ready(url: str) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline_s:
        with suppress(OSError), urllib.request.urlopen(f"{url}/api/v1/health/ready"):
            return
        time.sleep(0.01)
    raise TimeoutError(f"{url} is not ready after {_PATIENCE_S:g} s")


def _wait_workers(url: str, n: int) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    with psycopg.connect(url, autocommit=True) as connection:
        query = "SELECT count(*) FROM ktrdr.workers WHERE state = 'ready'"
        while time.monotonic() < deadline_s:
            if connection.execute(query).fetchone() == (n,):
                return
            time.sleep(0.05)
    raise TimeoutError(f"there are no {n} workers after {_PATIENCE_S:g} s")
