"""A worker: takes attempts from its queues until it is told to stop."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any

import structlog
from procrastinate import App
from procrastinate.exceptions import ConnectorException
from psycopg_pool import PoolTimeout

from ktrdr.build_info import build_info
from ktrdr.database import Database, check_schema, database_url
from ktrdr.errors import DatabaseError, IncompatibleError
from ktrdr.operations import TASK, Operations, WorkerRegistry
from ktrdr.settings import Settings
from ktrdr.storage import ArtifactStore
from ktrdr.workers.attempt import AttemptTools
from ktrdr.workers.health import health_app, read_token, served
from ktrdr.workers.identity import WorkerIdentity
from ktrdr.workers.metrics import WorkerMetrics
from ktrdr.workers.pulse import Pulse
from ktrdr.workers.queue import queue_app
from ktrdr.workers.requests import WorkerValues
from ktrdr.workers.scratch import Scratch
from ktrdr.workers.taking import Taker

# What a worker that starts beside its database waits for it.
_START_PATIENCE_S = 60.0
_RETRY_S = 1.0
# Beyond the grace period, for the last words to the database.
_LAST_S = 2.0
# Notifications bring jobs and requests to abort at once; polling finds what they miss:
# the queue loses one that comes while a worker closes the job before.
_POLL_S = 2.0
_ABORT_POLL_S = 1.0
_LONGEST_HEARTBEAT_S = 10.0
_log = structlog.stdlib.get_logger(__name__)


class WorkerService:
    """One worker process.

    Parameters
    ----------
    identity : WorkerIdentity
    config : Settings
    """

    def __init__(self, identity: WorkerIdentity, config: Settings) -> None:
        self._identity = identity
        self._config = config
        self._stop = asyncio.Event()
        self._state = "starting"
        self._pulse: Pulse | None = None
        self._metrics = WorkerMetrics(
            {"name": identity.name, "kind": identity.kind, "device": identity.device},
            build_info().labels,
        )
        self._scratch = Scratch(config.run_path / "scratch")

    def problems(self) -> list[str]:
        """Return why the worker takes no work; nothing when it does."""
        found = [] if self._state == "ready" else [f"the worker is {self._state}"]
        if self._pulse is not None and self._pulse.problem is not None:
            found.append(self._pulse.problem)
        return found

    async def run(self, listening: socket.socket) -> None:
        """Work until told to stop; health is told on ``listening`` meanwhile.

        Raises
        ------
        DatabaseError
            If the database stays away for long.
        IncompatibleError
            If the worker does not fit the database or the backend.
        """
        token = read_token(self._config.metrics_token_file)
        app = health_app(self._metrics, self.problems, token)
        self._scratch.open()
        try:
            with self._signals():
                async with served(app, listening), AsyncExitStack() as stack:
                    database = await self._connect(stack)
                    if database is not None:
                        await self._work(database)
        finally:
            self._scratch.close()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._hear_signal, number)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _hear_signal(self, number: int) -> None:
        if self._stop.is_set():
            # Somebody insists; jobs end with this process, and the sweep finds them.
            os._exit(128 + number)
        _log.info("stopping", signal=signal.Signals(number).name)
        self._stop.set()

    async def _connect(self, stack: AsyncExitStack) -> Database | None:
        """Return the database as soon as it can be used; None if told to stop."""
        deadline_s = time.monotonic() + _START_PATIENCE_S
        while not self._stop.is_set():
            try:
                database = Database(
                    database_url(),
                    max_size=self._identity.concurrency + 2,
                    application_name=self._identity.name,
                )
                await stack.enter_async_context(_checked(database))
            except DatabaseError as error:
                if time.monotonic() > deadline_s:
                    raise
                _log.warning("waiting for the database", error=str(error))
                await _wait(self._stop, _RETRY_S)
            else:
                return database
        return None

    async def _work(self, database: Database) -> None:
        operations, config = Operations(database), self._config
        pulse = self._pulse = Pulse(
            WorkerRegistry(database),
            operations,
            self._identity,
            self._metrics,
            stalled_after_s=config.stalled_after_s,
        )
        taker = Taker(await self._tools(operations), self._metrics)
        try:
            await pulse.begin()
            async with _opened(self._queue(database, taker)) as app:
                await self._take(app, taker, pulse)
        except IncompatibleError as error:
            await pulse.tell("refused", str(error))
            raise
        await pulse.tell("stopped")

    async def _tools(self, operations: Operations) -> AttemptTools:
        config = self._config
        store = await asyncio.to_thread(ArtifactStore.open, config.store_location)
        # A GPU of Apple's is slower than the CPU on networks of this size and not
        # deterministic: trainings that leave it open go to the CPU.
        device = "cpu" if self._identity.device == "mps" else self._identity.device
        return AttemptTools(
            operations=operations,
            store=store,
            scratch=self._scratch,
            worker=self._identity.name,
            values=WorkerValues(
                store=config.store_location, device=device, threads=config.threads
            ),
            metrics=self._metrics,
            stalled_after_s=config.stalled_after_s,
            grace_s=config.grace_s,
        )

    def _queue(self, database: Database, taker: Taker) -> App:
        return queue_app(
            database.url,
            TASK,
            taker.take,
            max_size=self._identity.concurrency + 2,
            application_name=f"{self._identity.name} queue",
        )

    async def _take(self, app: App, taker: Taker, pulse: Pulse) -> None:
        """Take work until told to stop or something breaks; then hand it back."""
        taking = asyncio.create_task(self._run_queue(app))
        beating = asyncio.create_task(pulse.run(lambda: taker.is_busy))
        sweeping = asyncio.create_task(pulse.sweep())
        stopping = asyncio.create_task(self._stop.wait())
        await pulse.tell("ready")
        self._state = "ready"
        _log.info("ready", queues=self._identity.queues, port=self._identity.port)
        watched: set[asyncio.Task[Any]] = {taking, beating, sweeping, stopping}
        done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        self._state = "draining"
        taker.stop()
        taking.cancel()
        telling = asyncio.create_task(pulse.tell("draining"))
        await asyncio.wait({taking}, timeout=self._config.grace_s + _LAST_S)
        for task in (telling, *watched):
            task.cancel()
        await asyncio.gather(telling, *watched, return_exceptions=True)
        for task in done:
            task.result()

    async def _run_queue(self, app: App) -> None:
        stalled_after_s = self._config.stalled_after_s
        while True:
            # Its manager outlives a database that goes away, except at the start.
            with suppress(ConnectorException):
                await app.run_worker_async(
                    name=self._identity.name,
                    queues=list(self._identity.queues),
                    concurrency=self._identity.concurrency,
                    fetch_job_polling_interval=_POLL_S,
                    abort_job_polling_interval=_ABORT_POLL_S,
                    # The operation's rows tell what became of it.
                    delete_jobs="always",
                    shutdown_graceful_timeout=0.0,
                    install_signal_handlers=False,
                    update_heartbeat_interval=min(
                        stalled_after_s / 3, _LONGEST_HEARTBEAT_S
                    ),
                    stalled_worker_timeout=stalled_after_s,
                )
            await asyncio.sleep(_RETRY_S)


@asynccontextmanager
async def _checked(database: Database) -> AsyncIterator[None]:
    async with database:
        await check_schema(database)
        yield


@asynccontextmanager
async def _opened(app: App) -> AsyncIterator[App]:
    try:
        await app.open_async()
    except (ConnectorException, PoolTimeout) as error:
        raise DatabaseError(f"the queue can't be reached: {error}") from error
    try:
        yield app
    finally:
        await app.close_async()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
