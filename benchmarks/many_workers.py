"""What many workers ask of one database.

The workers of ``worker_herd`` do all that workers do but run jobs: those are no-ops.
So this tells what the database and the queue bear, not what the machine computes.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks.queue_measures import (
    environment_of,
    make_tables,
    probe_rate,
    server,
    start_latencies,
    statements_per_s,
    wait_workers,
)

_SIZES = (1, 10, 25, 50, 100)
# So that no one process is busier than its loop can be.
_PER_PROCESS = 25
# Three to four a worker at rest, more under load; what is beyond is for those who look.
_SERVER = {"max_connections": "800"}
_ROWS = (
    ("connections at rest", "{0.connections:.0f}"),
    ("connections right after load", "{0.busy_connections:.0f}"),
    ("statements at rest, 1/s", "{0.statements:.0f}"),
    ("processors that PostgreSQL uses at rest", "{0.processors:.2f}"),
    ("created to started, ms, p50", "{0.median_ms:.0f}"),
    ("created to started, ms, p99", "{0.p99_ms:.0f}"),
    ("no-op jobs, 1/s", "{0.rate:.0f}"),
)


@dataclass(frozen=True, kw_only=True)
class Reached:
    """What was measured with one number of workers."""

    connections: float
    busy_connections: float
    statements: float
    processors: float
    median_ms: float
    p99_ms: float
    rate: float


def main(console: Console, *, quick: bool) -> None:
    """Measure and print."""
    sizes = (2,) if quick else _SIZES
    reached = [
        measured(size, n_jobs=40 if quick else 2_000, rest_s=3 if quick else 30)
        for size in sizes
    ]
    table = Table(title="Workers of one database", title_justify="left")
    table.add_column("workers")
    for size in sizes:
        table.add_column(str(size), justify="right")
    for title, form in _ROWS:
        table.add_row(title, *(form.format(one) for one in reached))
    console.print(table)


def measured(n_workers: int, *, n_jobs: int, rest_s: float) -> Reached:
    """Return what so many workers reach on a database of their own."""
    with (
        tempfile.TemporaryDirectory(prefix="ktrdr-bench-") as folder,
        server(Path(folder), _SERVER) as url,
    ):
        asyncio.run(make_tables(url))
        with _herds(n_workers, Path(folder), url):
            wait_workers(url, n_workers)
            connections = _connections(url)
            with _processors_of_postgres() as processors:
                statements = statements_per_s(url, rest_s)
            delays = asyncio.run(start_latencies(url, max(20, n_jobs // 10)))
            rate = asyncio.run(probe_rate(url, n_jobs))
            busy = _connections(url)
    return Reached(
        connections=connections,
        busy_connections=busy,
        statements=statements,
        processors=processors[0],
        median_ms=statistics.median(delays) * 1e3,
        p99_ms=statistics.quantiles(delays, n=100)[98] * 1e3,
        rate=rate,
    )


@contextmanager
def _herds(n_workers: int, home: Path, url: str) -> Iterator[None]:
    with ExitStack() as stack:
        for first in range(0, n_workers, _PER_PROCESS):
            number = min(_PER_PROCESS, n_workers - first)
            stack.enter_context(_herd(first, number, home, url))
        yield


@contextmanager
def _herd(first: int, number: int, home: Path, url: str) -> Iterator[None]:
    command = [sys.executable, "-m", "benchmarks.worker_herd", str(first), str(number)]
    environment = environment_of(home, url)
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE) as process:
        try:
            yield
        finally:
            # The end of its input ends it.
            process.communicate()


def _connections(url: str) -> int:
    """Return how many connections the workers hold."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'herd-%'"
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def _processors_of_postgres() -> Iterator[list[float]]:
    """Give how many processors PostgreSQL used on average while the block ran."""
    used: list[float] = []
    began_s, before = time.perf_counter(), _postgres_seconds()
    yield used
    seconds = _postgres_seconds() - before
    used.append(seconds / (time.perf_counter() - began_s))


def _postgres_seconds() -> float:
    """Return processor seconds of this program's PostgreSQL since its start.

    Those of its processes that have ended are told by their parent.
    """
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "postgres" in process.name():
                total += sum(process.cpu_times()[:4])
    return total
