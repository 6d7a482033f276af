"""How fast the system starts, and how fast its queue is."""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack, suppress
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.queue_measures import (
    PATIENCE_S,
    make_tables,
    probe_rate,
    running,
    server,
    start_latencies,
    statements_per_s,
    wait_workers,
)
from ktrdr.database.embedded.ports import free_port

_IMPORT = "ktrdr.api.main"
_IMPORT_AIM_S, _IMPORT_AIM_MB = 1.0, 100
_READY_AIM_S = 3.0
_PROBE_AIM, _LATENCY_AIM_MS, _IDLE_AIM = 200, 50, 2.0


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
    with server(home) as url:
        asyncio.run(make_tables(url))
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
        with running([sys.executable, "-c", code], home, url):
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
    with server(home) as url, ExitStack() as stack:
        asyncio.run(make_tables(url))
        for number in range(2):
            worker = [sys.executable, "-m", "ktrdr", "worker", "backtest"]
            options = ["--name", f"bench-{number}", "--concurrency", "8"]
            stack.enter_context(running([*worker, *options], home, url))
        wait_workers(url, 2)
        idle = statements_per_s(url, idle_s) / 2
        delays = asyncio.run(start_latencies(url, max(10, n // 20)))
        rate = asyncio.run(probe_rate(url, n))
    table.add_row(f"{n:,} no-op jobs, 1/s", f"{rate:,.0f}", f"{_PROBE_AIM}")
    p99 = statistics.quantiles(delays, n=100)[98]
    table.add_row(
        "created to started, ms, p50 / p99",
        f"{statistics.median(delays) * 1e3:.0f} / {p99 * 1e3:.0f}",
        f"{_LATENCY_AIM_MS}",
    )
    table.add_row("statements of an idle worker, 1/s", f"{idle:.2f}", f"{_IDLE_AIM:g}")
    console.print(table)


def _wait_ready(url: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        with suppress(OSError), urllib.request.urlopen(f"{url}/api/v1/health/ready"):
            return
        time.sleep(0.01)
    raise TimeoutError(f"{url} is not ready after {PATIENCE_S:g} s")
