"""Workers as processes of their own, as a user or a container starts them."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
import psycopg

from ktrdr.database import Database
from ktrdr.operations import NewOperation, Operations
from ktrdr.schemas import OperationDetail
from tests.unit.workers.processes import wait_until

STALLED_AFTER_S = 2.0


class WorkerProcess:
    """A worker that ``arguments`` of Python start."""

    def __init__(
        self, arguments: list[str], environment: Mapping[str, str], log: Path
    ) -> None:
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def end(self, number: int = signal.SIGTERM, seconds: float = 15.0) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def text(self) -> str:
        return self.log.read_text(errors="replace")


class System:
    """A database, a store, and the workers on them."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.workers: list[WorkerProcess] = []

    def environment(self, name: str, **settings: str) -> dict[str, str]:
        return {
            "KTRDR_DATABASE_URL": self.url,
            # Workers on other hosts share the store and nothing else.
            "KTRDR_HOME": str(self.folder / name),
            "KTRDR_STORE_URL": str(self.folder / "store"),
            "KTRDR_WORKER_NAME": name,
            "KTRDR_WORKER_PORT": "0",
            "KTRDR_STALLED_AFTER_S": str(STALLED_AFTER_S),
            "KTRDR_GRACE_S": "5",
            "KTRDR_RETRY_DELAY_S": "0.1",
            **settings,
        }

    def start(
        self, name: str, *arguments: str, ready: bool = True, **settings: str
    ) -> WorkerProcess:
        """Start a worker, by default ``ktrdr worker`` with these arguments."""
        worker = WorkerProcess(
            ["-m", "ktrdr", "worker", *arguments],
            self.environment(name, **settings),
            self.folder / f"{name}.log",
        )
        return self._added(name, worker, ready)

    def start_sample(
        self, name: str, *, ready: bool = True, **settings: str
    ) -> WorkerProcess:
        """Start a worker that knows the kind ``sample`` too."""
        worker = WorkerProcess(
            ["-m", "tests.integration.sample_worker"],
            self.environment(name, **settings),
            self.folder / f"{name}.log",
        )
        return self._added(name, worker, ready)

    def _added(self, name: str, worker: WorkerProcess, ready: bool) -> WorkerProcess:
        self.workers.append(worker)
        if ready:
            is_ready = wait_until(lambda: self.row(name)["state"] == "ready", 30)
            assert is_ready, worker.text()
        return worker

    def row(self, name: str) -> dict[str, object]:
        """Return what the worker registered; its state alone if it has not yet."""
        with psycopg.connect(self.url, row_factory=psycopg.rows.dict_row) as database:
            found: dict[str, object] | None = database.execute(
                "SELECT * FROM ktrdr.workers WHERE name = %s", [name]
            ).fetchone()
        return {"state": None} if found is None else found

    def ask(self, name: str, path: str) -> httpx.Response:
        """Ask the worker's own server."""
        url = f"http://127.0.0.1:{self.row(name)['port']}{path}"
        return httpx.get(url, trust_env=False)

    def close(self) -> None:
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.process.kill()
                worker.process.wait()


async def create(operations: Operations, kind: str, queue: str, **request) -> str:
    new = NewOperation(kind=kind, title=kind, queue=queue, request=request)
    return (await operations.create(new)).operation.id


async def sample(operations: Operations, behaviour: str, **request) -> str:
    return await create(
        operations, "sample", "backtest", behaviour=behaviour, **request
    )


def connected(url: str) -> Database:
    return Database(url, application_name="test")


def outcomes(operation: OperationDetail) -> list[tuple[str, str | None]]:
    return [(one.worker, one.outcome) for one in operation.attempts]
