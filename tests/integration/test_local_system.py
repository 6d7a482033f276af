"""``ktrdr up``, ``status`` and ``down``: the whole system, and what it survives."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = pytest.mark.slow
_PATIENCE_S = 60.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


class LocalSystem:
    """Commands of ``ktrdr`` in one folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {
            **os.environ,
            "KTRDR_HOME": str(home),
            "KTRDR_STALLED_AFTER_S": "2",
            "KTRDR_PORT": str(free_port()),
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ktrdr", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
        )

    def up(self, *arguments: str) -> dict[str, Any]:
        done = self.run("up", "--backtest-workers", "1", "--json", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        started: dict[str, Any] = json.loads(done.stdout)
        return started

    def status(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return document

    def processes(self) -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in self.status()["processes"]}

    def all_there(self) -> bool:
        found = self.status()
        return found["is_ready"] and {
            worker["name"] for worker in found["workers"] if worker["state"] == "ready"
        } == {"backtest-worker-1", "training-worker-1"}

    def living(self) -> list[psutil.Process]:
        """Return every process that works in this folder."""
        mark = f"KTRDR_HOME={self.home}"
        return [one for one in psutil.process_iter() if mark in environment_of(one)]


def environment_of(process: psutil.Process) -> list[str]:
    try:
        return [f"{name}={value}" for name, value in process.environ().items()]
    except psutil.Error:
        return []


@pytest.fixture
def system(tmp_path: Path) -> Iterator[LocalSystem]:
    found = LocalSystem(tmp_path / "home")
    yield found
    found.run("down")
    for process in found.living():
        process.kill()


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def test_up_status_and_down(system: LocalSystem):
    assert system.run("status").returncode == 1
    started = system.up()
    assert started["is_new"]
    wait_until(system.all_there)
    assert system.up() == {**started, "is_new": False}
    shown = system.run("status").stdout
    assert f"Backend {started['url']}: ready" in shown
    assert "training-worker-1" in shown
    assert system.run("down").stderr == "ktrdr is down.\n"
    assert system.living() == []
    assert system.run("down").stderr == "ktrdr was not running.\n"
    # What was there is there again.
    assert system.up()["is_new"]


def test_what_dies_is_started_again_and_told(system: LocalSystem):
    system.up()
    wait_until(system.all_there)
    for name in ("backtest-worker-1", "backend"):
        os.kill(system.processes()[name]["pid"], signal.SIGKILL)
    servers = [one for one in psutil.process_iter() if is_server(one, system.home)]
    assert len(servers) == 1
    servers[0].send_signal(signal.SIGQUIT)
    log = system.home / "run" / "logs" / "supervisor.log"
    wait_until(lambda: "database has died" in log.read_text())
    wait_until(lambda: bool(system.run("status").returncode == 0))
    wait_until(system.all_there)
    processes = system.processes()
    assert processes["backtest-worker-1"]["restarts"] >= 1
    assert processes["backend"]["restarts"] >= 1
    assert "backend was killed by signal 9; it is started again" in log.read_text()
    done = system.run("data", "sample")
    assert done.returncode == 0
    trained = system.run("train", "momentum", "--json")
    assert trained.returncode == 0, trained.stderr


def is_server(process: psutil.Process, home: Path) -> bool:
    try:
        command = process.cmdline()
    except psutil.Error:
        return False
    return (
        bool(command) and command[0].endswith("postgres") and str(home) in str(command)
    )


def test_programs_end_with_their_supervisor_and_the_next_start_finds_no_trace(
    system: LocalSystem,
):
    first = system.up()
    wait_until(system.all_there)
    pids = [one["pid"] for one in system.processes().values()]
    os.kill(first["pid"], signal.SIGKILL)
    wait_until(lambda: not any(map(psutil.pid_exists, pids)))
    assert system.run("status").returncode == 1
    second = system.up()
    assert second["is_new"]
    assert second["url"] == first["url"]


def test_a_worker_that_can_never_start_is_given_up_and_told(system: LocalSystem):
    system.environment["KTRDR_ACCELERATOR"] = "cuda"
    system.up()
    wait_until(lambda: system.processes()["training-worker-1"]["state"] == "given_up")
    assert system.processes()["training-worker-1"]["exit_code"] == 16
    assert system.run("status").returncode == 1
    log = system.home / "run" / "logs" / "training-worker-1.log"
    assert "ktrdr-worker-gpu" in log.read_text()


def test_beyond_loopback_it_does_not_start_without_tokens(system: LocalSystem):
    done = system.run("up", "--host", "0.0.0.0")
    assert done.returncode != 0
    assert "ktrdr auth create" in done.stderr
    assert system.living() == []


def test_a_taken_port_is_told_when_it_was_asked_for(system: LocalSystem):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = system.run("up", "--port", port)
    assert done.returncode == 7
    assert f"port {port}" in done.stderr


# A port that another takes just after it was found to be free.
LOSING = """
import sys
from ktrdr.cli.local import supervisor
is_free, asked = supervisor._is_free, []
def late(host, port):
    asked.append(port)
    return len(asked) == 1 or is_free(host, port)
supervisor._is_free = late
sys.exit(supervisor.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("is_wish", [True, False], ids=["wished", "asked for"])
def test_a_port_lost_to_another_backend_is_not_taken_for_ours(
    system: LocalSystem, is_wish: bool
):
    options = ["--host=127.0.0.1", "--backtest-workers=0", "--training-workers=0"]
    with other_backend() as port:
        started = subprocess.Popen(
            [sys.executable, "-c", LOSING, *options, f"--port={port}"]
            + ["--port-is-wish"] * is_wish,
            env=system.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert started.stdout is not None
        with started, started.stdout as said:
            first = json.loads(said.readline())
            started.terminate()
    if is_wish:
        assert first["ready"].startswith("http://127.0.0.1:")
        assert first["ready"] != f"http://127.0.0.1:{port}"
    else:
        assert f"port {port} of 127.0.0.1" in first["failed"]


@contextmanager
def other_backend() -> Iterator[int]:
    """Answer as a backend does that is ready."""

    class Ready(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Ready) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_why_it_does_not_start_decides_the_exit_code(system: LocalSystem):
    done = system.run("up", "--host", "192.0.2.1")
    assert (done.returncode, "can't listen" in done.stderr) == (2, True)
    system.environment["KTRDR_DATABASE_URL"] = "postgresql://a:b@127.0.0.1:1/c"
    assert system.run("up").returncode == 14
    (system.home.parent / "file").touch()
    system.environment["KTRDR_HOME"] = str(system.home.parent / "file")
    done = system.run("up")
    assert (done.returncode, "KTRDR_HOME" in done.stderr) == (13, True)
