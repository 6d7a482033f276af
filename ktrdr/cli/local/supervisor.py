"""Runs the system: the database, then the processes, until told to stop."""

import argparse
import asyncio
import errno
import json
import os
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ktrdr.cli.local.child import Child
from ktrdr.cli.local.plan import Program, SystemOptions, programs
from ktrdr.cli.local.state import SystemState, forget_state, lock_path, write_state
from ktrdr.errors import ConflictError, InputError, handling_of, message_of
from ktrdr.settings import settings

if TYPE_CHECKING:
    from ktrdr.database import EmbeddedPostgres

_READY_WITHIN_S = 60.0
_SECONDS_BETWEEN_LOOKS = 0.05
_SECONDS_BETWEEN_RECORDS = 1.0
_PORTS_TRIED = 100
_BEYOND_GRACE_S = 5.0
_PORT_TAKEN = handling_of(ConflictError()).exit_code


class Supervisor:
    """The system while it runs.

    Parameters
    ----------
    options : SystemOptions
    port_is_wish : bool
        Take the next free port when the one asked for is taken.
    """

    def __init__(self, options: SystemOptions, *, port_is_wish: bool) -> None:
        self._options = options
        self._port_is_wish = port_is_wish
        self._run_path = settings().run_path
        self._children: list[Child] = []
        self._server: EmbeddedPostgres | None = None
        self._stop = asyncio.Event()
        self._health_file = self._run_path / "backend.health"

    async def run(self) -> None:
        """Start everything, say when it is ready, keep it running, stop it all."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stop.set)
        self._find_port()
        try:
            self._database = await self._start_database()
            self._children = [
                Child(program, self._log(program.name), self._tell)
                for program in self._programs()
            ]
            async with asyncio.TaskGroup() as group:
                await self._serve(group)
                await self._stop_children()
        finally:
            forget_state(self._run_path)
            self._health_file.unlink(missing_ok=True)
            if self._server is not None:
                await asyncio.to_thread(self._server.stop)
            self._record("stopped")

    def _find_port(self) -> None:
        self._health_file.unlink(missing_ok=True)
        self._options = _with_free_port(self._options, is_wish=self._port_is_wish)

    def _programs(self) -> tuple[Program, ...]:
        return programs(self._options, self._database, self._health_file)

    async def _start_database(self) -> str:
        """Make the database ready for the programs and return its URL."""
        from ktrdr.database import Database, EmbeddedPostgres, upgrade

        given = settings().database_url
        if given is None:
            self._server = EmbeddedPostgres()
            await asyncio.to_thread(self._server.start)
            url = self._server.url
        else:
            url = given.get_secret_value()
        async with Database(url) as database:
            await upgrade(database)
        return url

    async def _keep_database(self) -> None:
        server = self._server
        if server is None or server.is_running:
            return
        self._tell("the database has died; it is started again")
        before = server.url
        await asyncio.to_thread(server.start)
        if server.url != before:
            self._tell("the database's port was taken: all programs start again")
            self._database = server.url
            grace_s = settings().grace_s + _BEYOND_GRACE_S
            pairs = zip(self._children, self._programs(), strict=True)
            await asyncio.gather(*(one.become(new, grace_s) for one, new in pairs))

    async def _serve(self, group: asyncio.TaskGroup) -> None:
        backend, *workers = self._children
        group.create_task(backend.run())
        if not await self._becomes_ready():
            return
        url = self._url()
        # Not before: together they would keep the backend from its processor.
        for worker in workers:
            group.create_task(worker.run())
        now = datetime.now(UTC).isoformat(timespec="seconds")
        write_state(
            self._run_path, SystemState(url=url, pid=os.getpid(), started_at=now)
        )
        _say(ready=url)
        while not self._stop.is_set():
            self._record("running")
            await self._keep_database()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), _SECONDS_BETWEEN_RECORDS)

    async def _becomes_ready(self) -> bool:
        deadline_s = time.monotonic() + _READY_WITHIN_S
        backend = self._children[0]
        while not self._stop.is_set():
            if await asyncio.to_thread(self._is_ready):
                return True
            has_lost = self._has_lost_port()
            if has_lost and self._port_is_wish:
                self._find_port()
                await backend.become(self._programs()[0], 0.0)
            elif (
                has_lost
                or backend.status.state == "given_up"
                or time.monotonic() > deadline_s
            ):
                _say(failed=_last_words(backend.log))
                return False
            await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
        return False

    def _is_ready(self) -> bool:
        # Without its file it is somebody else's backend that answers there.
        return self._health_file.exists() and _is_ready(self._url())

    def _has_lost_port(self) -> bool:
        """Tell whether another took the port after it was found to be free."""
        status, options = self._children[0].status, self._options
        has_failed = status.state == "waiting" and status.exit_code == _PORT_TAKEN
        return has_failed and not _is_free(options.host, options.port)

    def _url(self) -> str:
        return f"http://{_reachable(self._options.host)}:{self._options.port}"

    async def _stop_children(self) -> None:
        self._stop.set()
        backend, *workers = self._children
        grace_s = settings().grace_s + _BEYOND_GRACE_S
        # Workers first, as the backend tells whoever follows what became of jobs.
        await asyncio.gather(*(worker.stop(grace_s) for worker in workers))
        await backend.stop(grace_s)

    def _log(self, name: str) -> Path:
        return self._run_path / "logs" / f"{name}.log"

    def _record(self, state: str) -> None:
        document = {
            "state": state,
            "processes": [child.status.document() for child in self._children],
        }
        temporary = self._run_path / f"processes.{os.getpid()}"
        temporary.write_text(json.dumps(document), encoding="utf-8")
        temporary.replace(self._run_path / "processes.json")

    def _tell(self, sentence: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        sys.stderr.write(f"{now} {sentence}\n")
        sys.stderr.flush()
        self._record("running")


def main(arguments: Sequence[str]) -> int:
    """Run the system with the given options until a signal comes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--port-is-wish", action="store_true")
    parser.add_argument("--backtest-workers", type=int, required=True)
    parser.add_argument("--training-workers", type=int, required=True)
    given = parser.parse_args(arguments)
    options = SystemOptions(
        host=given.host,
        port=given.port,
        backtest_workers=given.backtest_workers,
        training_workers=given.training_workers,
    )
    try:
        with _the_only_one(settings().run_path):
            asyncio.run(Supervisor(options, port_is_wish=given.port_is_wish).run())
    except Exception as error:
        _say(failed=message_of(error), handling=asdict(handling_of(error)))
        raise
    return 0


@contextmanager
def _the_only_one(run_path: Path) -> Iterator[None]:
    import fcntl

    (run_path / "logs").mkdir(parents=True, exist_ok=True)
    with lock_path(run_path).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConflictError(
                f"a system runs or starts already in {run_path.parent}: "
                "`ktrdr status` tells about it, `ktrdr down` stops it"
            ) from None
        yield


def _with_free_port(options: SystemOptions, *, is_wish: bool) -> SystemOptions:
    from dataclasses import replace

    last = options.port + (_PORTS_TRIED if is_wish else 1)
    for port in range(options.port, last):
        if _is_free(options.host, port):
            return replace(options, port=port)
    raise ConflictError(
        f"port {options.port} of {options.host} is taken: "
        "name a free one with `ktrdr up --port`"
    )


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise InputError(
                f"can't listen on port {port} of {host}: {error.strerror}"
            ) from None
    return True


def _reachable(host: str) -> str:
    """Return how to reach from here what listens on ``host``."""
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/api/v1/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _last_words(log: Path) -> str:
    with suppress(FileNotFoundError):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        errors = [line for line in lines if line.startswith("Error: ")]
        return (errors or lines or ["it said nothing"])[-1].removeprefix("Error: ")
    return "it did not start"


def _say(**event: object) -> None:
    # Read by `ktrdr up`, which may be gone by now.
    with suppress(BrokenPipeError):
        print(json.dumps(event), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
