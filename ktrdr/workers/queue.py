"""The queue as a worker sees it: procrastinate, made to outlive its database.

Left alone, procrastinate's worker stops, and its jobs with it, as soon as the
database is away for some seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

import structlog
from procrastinate import App, JobContext
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager, NotificationCallback
from psycopg.errors import ForeignKeyViolation, RaiseException

from ktrdr.operations import make_app

_RECONNECT_S = 1.0
# Others take a worker for dead when its heartbeat is old, and remove its row; one
# that was only cut off puts it back.
_HEARTBEAT = """
INSERT INTO procrastinate_workers (id) OVERRIDING SYSTEM VALUE VALUES (%(worker_id)s)
ON CONFLICT (id) DO UPDATE SET last_heartbeat = now()
"""
_log = structlog.stdlib.get_logger(__name__)


class PatientJobManager(JobManager):
    """Takes a database that is away for one without jobs."""

    async def fetch_job(
        self, queues: Iterable[str] | None, worker_id: int
    ) -> Job | None:
        """Take the next job; None if there is none, or nobody to ask."""
        try:
            return await super().fetch_job(queues, worker_id)
        except ConnectorException as error:
            if isinstance(error.__cause__, ForeignKeyViolation):
                await self.update_heartbeat(worker_id)
            else:
                _log.warning("queue is out of reach", error=_reason(error))
            return None

    async def update_heartbeat(self, worker_id: int) -> None:
        """Tell that the worker lives, if there is somebody to tell."""
        with suppress(ConnectorException):
            await self.connector.execute_query_async(_HEARTBEAT, worker_id=worker_id)

    async def list_jobs_to_abort_async(self, queue: str | None = None) -> list[int]:
        """Return the jobs that somebody wants to end, if there is somebody to ask."""
        try:
            return [*await super().list_jobs_to_abort_async(queue)]
        except ConnectorException:
            return []

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """Finish the queue's job, unless that is done.

        Operations finish it themselves, in one transaction with what it gave; and
        what a database that is away can't note is seen by the sweep.
        """
        try:
            await super().finish_job(job, status, delete_job)
        except ConnectorException as error:
            if not isinstance(error.__cause__, RaiseException):
                _log.warning("job was not finished", error=_reason(error))

    async def unregister_worker(self, worker_id: int) -> None:
        """Forget the worker, if there is somebody to tell."""
        with suppress(ConnectorException):
            await super().unregister_worker(worker_id)

    async def listen_for_jobs(
        self,
        *,
        on_notification: NotificationCallback,
        queues: Iterable[str] | None = None,
    ) -> None:
        """Listen for new jobs, again and again when the connection breaks."""
        while True:
            with suppress(ConnectorException):
                await super().listen_for_jobs(
                    on_notification=on_notification, queues=queues
                )
            await asyncio.sleep(_RECONNECT_S)


def queue_app(
    url: str,
    task_name: str,
    run: Callable[[JobContext, Mapping[str, Any]], Awaitable[None]],
    *,
    max_size: int,
    application_name: str,
) -> App:
    """Return an app whose one task, ``task_name``, is done by ``run``."""
    app = make_app(url, max_size=max_size, application_name=application_name)
    app.job_manager = PatientJobManager(app.connector)

    async def task(context: JobContext, /, **arguments: Any) -> None:
        await run(context, arguments)

    app.task(name=task_name, pass_context=True)(task)
    return app


def _reason(error: ConnectorException) -> str:
    return " ".join(str(error.__cause__ or error).split())
