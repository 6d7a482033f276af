"""The queue: each attempt at an operation is one job of Procrastinate.

Everything that touches Procrastinate's tables stands here and in the statements
that look for stalled jobs. The library costs 0.3 s to import, so it is imported
when the first job is made.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from ktrdr.database import Connection, Row, check_connection, load_queries
from ktrdr.operations.rows import fetch_all

if TYPE_CHECKING:
    from procrastinate import App
    from procrastinate.jobs import Job

TASK = "ktrdr.run_attempt"

# A worker with a GPU takes what needs one first, as order within a queue's list
# means nothing to Procrastinate.
_FIRST_QUEUES = frozenset({"training-gpu"})
_FIRST_PRIORITY = 1000

# Short, so that a worker is back soon after its database is.
_POOL_S = 5.0
_CONNECTION = {
    "connect_timeout": 5,
    # A server that fell silent is noticed within a minute.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}

_SQL = load_queries("ktrdr.operations", "sql", "queue.sql")


def make_app(
    url: str, *, max_size: int = 4, application_name: str = "ktrdr-queue"
) -> "App":
    """Return a Procrastinate app on the database at ``url``, to be opened.

    A worker adds the task named ``TASK``, whose arguments are ``operation``, the
    id, and ``attempt``, the number.
    """
    from procrastinate import App, PsycopgConnector

    connector = PsycopgConnector(
        pool_factory=_pool,
        conninfo=url,
        min_size=1,
        max_size=max_size,
        configure=_without_transactions,
        kwargs={"application_name": application_name, **_CONNECTION},
        timeout=_POOL_S,
        reconnect_timeout=_POOL_S,
    )
    return App(connector=connector)


async def _without_transactions(connection: AsyncConnection[Any]) -> None:
    # Each of the library's statements is a whole, without BEGIN and COMMIT around it.
    await connection.set_autocommit(True)


def _pool(**arguments: Any) -> AsyncConnectionPool[Any]:
    return AsyncConnectionPool(**arguments | {"check": check_connection})


async def enqueue(
    connection: Connection, operations: Sequence[Row], due_at: datetime | None = None
) -> None:
    """Make a job for the current attempt of each operation and note it there.

    They are rows with ``id``, ``attempt``, ``queue`` and ``priority``. All happens in
    the transaction of ``connection``, in two statements however many they are.
    """
    from procrastinate.exceptions import ConnectorException

    jobs = [_job(row, due_at) for row in operations]
    try:
        made = await _unopened_app().job_manager.batch_defer_jobs_async(
            jobs, connection=connection
        )
    except ConnectorException as error:
        # The database's own error is what others know how to tell.
        raise (error.__cause__ or error) from None
    await connection.execute(
        _SQL["link"],
        {
            "operations": [row["id"] for row in operations],
            "jobs": [job.id for job in made],
        },
    )


async def cancel_jobs(connection: Connection, jobs: Sequence[int | None]) -> None:
    """Cancel jobs that wait; tell the workers of the others to stop."""
    # In one order, as who locks several of them must not wait in a circle.
    known = sorted(job for job in jobs if job is not None)
    if known:
        await connection.execute(_SQL["cancel"], {"jobs": known})


async def finish_job(connection: Connection, job: int) -> None:
    """Close a job whose worker is gone; nothing happens if it is closed already."""
    await fetch_all(connection, _SQL["finish"], job=job)


async def prune_jobs(connection: Connection, older_s: float) -> int:
    """Delete jobs that were closed longer ago; return how many."""
    return (await connection.execute(_SQL["prune"], {"older_s": older_s})).rowcount


@cache
def _unopened_app() -> "App":
    # Only used with the connections of others, so it needs none of its own.
    return make_app("")


def _job(row: Row, due_at: datetime | None) -> "Job":
    from procrastinate.jobs import Job

    first = _FIRST_PRIORITY if row["queue"] in _FIRST_QUEUES else 0
    return Job(
        queue=row["queue"],
        priority=row["priority"] + first,
        lock=None,
        queueing_lock=None,
        task_name=TASK,
        task_kwargs={"operation": row["id"], "attempt": row["attempt"]},
        scheduled_at=due_at,
    )
