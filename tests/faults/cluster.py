"""A whole system whose processes are killed and come back."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from ktrdr.database import Database, EmbeddedPostgres, upgrade
from ktrdr.database.embedded.ports import free_port

STALLED_AFTER_S = 2.0
_READY_WITHIN_S = 60.0
# How many kills are to hit a running attempt, and how long they wait for one: a slow
# machine would else see only workers killed that have just been started.
_BUSY_SHARE = 0.6
_BUSY_WITHIN_S = 5.0


@dataclass(kw_only=True)
class Member:
    """One process that is started again when it is dead.

    Attributes
    ----------
    weight : float
        How often it is hit beside the others.
    """

    name: str
    arguments: tuple[str, ...]
    weight: float
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0

    @property
    def name_now(self) -> str:
        """Return the name of this start: a new one each time, as machines have."""
        return f"{self.name}-{self.starts}"


@dataclass(kw_only=True)
class Cluster:
    """Database, backend and workers in one folder.

    Attributes
    ----------
    folder : Path
        Holds data folder and logs.
    server : EmbeddedPostgres
    port : int
        Of the backend.
    """

    folder: Path
    server: EmbeddedPostgres
    port: int = 0
    members: list[Member] = field(default_factory=list)

    def start(self, *, n_backtest: int = 2, n_training: int = 2) -> None:
        """Start everything and wait until the backend answers."""
        self.server.start()
        asyncio.run(_upgrade(self.server.url))
        self.port = free_port(None)
        serve = ("serve", "--port", str(self.port))
        # A training needs some time in peace to get past its imports.
        self.members = [Member(name="backend", arguments=serve, weight=1.5)]
        for kind, count, weight in (
            ("backtest", n_backtest, 1.0),
            ("training", n_training, 0.4),
        ):
            self.members += [
                Member(
                    name=f"{kind}-{number}", arguments=("worker", kind), weight=weight
                )
                for number in range(count)
            ]
        self.revive()
        self.wait_ready()

    @property
    def url(self) -> str:
        """URL of the backend."""
        return f"http://127.0.0.1:{self.port}"

    def revive(self) -> None:
        """Start again whatever has died."""
        for member in self.members:
            if member.process is None or member.process.poll() is not None:
                self._launch(member)

    def kill_one(self, chance: random.Random) -> str:
        """Kill one of the living processes, drawn by weight, and return its name.

        Mostly one that runs an attempt, if there is such a one soon.
        """
        living = [
            one for one in self.members if one.process and one.process.poll() is None
        ]
        if not living:
            return ""
        if chance.random() < _BUSY_SHARE:
            living = self._busy_of(living) or living
        member = chance.choices(living, [one.weight for one in living])[0]
        if member.process is None:
            raise RuntimeError("only processes that live are drawn")
        member.process.send_signal(signal.SIGKILL)
        member.process.wait()
        return member.name

    def wait_ready(self) -> None:
        """Wait until the backend says that it is ready."""
        deadline_s = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < deadline_s:
            with suppress(OSError):
                address = f"{self.url}/api/v1/health/ready"
                with urllib.request.urlopen(address, timeout=2):
                    return
            self.revive()
            time.sleep(0.1)
        raise TimeoutError(f"the backend is not ready: see {self.folder / 'logs'}")

    def stop(self) -> None:
        """End all of it."""
        for member in self.members:
            if member.process is not None:
                member.process.kill()
                member.process.wait()
        self.server.stop("immediate")

    def environment(self) -> dict[str, str]:
        """Return what all processes are started with."""
        return {
            **os.environ,
            "KTRDR_HOME": str(self.folder),
            "KTRDR_DATABASE_URL": self.server.url,
            "KTRDR_STALLED_AFTER_S": str(STALLED_AFTER_S),
            "KTRDR_MAX_FAILURES": "100000",
            "KTRDR_RETRY_DELAY_S": "0.1",
            "KTRDR_WORKER_PORT": "0",
        }

    def _busy_of(self, members: list[Member]) -> list[Member]:
        deadline_s = time.monotonic() + _BUSY_WITHIN_S
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            while time.monotonic() < deadline_s:
                rows = connection.execute(
                    "SELECT DISTINCT worker FROM ktrdr.operations "
                    "WHERE state = 'running' AND worker IS NOT NULL AND kind <> 'probe'"
                ).fetchall()
                names = {row[0] for row in rows}
                if busy := [one for one in members if one.name_now in names]:
                    return busy
                time.sleep(0.05)
        return []

    def _launch(self, member: Member) -> None:
        logs = self.folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        member.starts += 1
        environment = {**self.environment(), "KTRDR_WORKER_NAME": member.name_now}
        with (logs / f"{member.name}.log").open("ab") as log:
            member.process = subprocess.Popen(
                [sys.executable, "-m", "ktrdr", *member.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )


async def _upgrade(url: str) -> None:
    async with Database(url) as database:
        await upgrade(database)
