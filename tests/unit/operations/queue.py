"""What workers do to the queue's tables, one step at a time."""

import asyncio
from dataclasses import dataclass
from typing import Any

from ktrdr.database import Database, Row
from ktrdr.operations import TASK, AttemptToken, NewOperation, Operations
from ktrdr.schemas import FailureDocument

# Silence that tests call long. What they let go silent is aged by an hour.
SILENT_S = 1.0

BROKEN = FailureDocument(code="internal", message="it broke")
PASSING = FailureDocument(code="storage_failed", message="disk full", retry=True)


def new(title: str = "one", **changes: Any) -> NewOperation:
    """Return something to do."""
    fields: dict[str, Any] = {"kind": "probe", "queue": "backtest", "request": {"n": 1}}
    return NewOperation(**fields | {"title": title} | changes)


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A job that a worker of the queue has taken."""

    job: int
    token: AttemptToken
    queue: str
    priority: int


class Queue:
    """The queue as its workers see it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, statement: str, **parameters: object) -> list[Row]:
        async with self._database.connection() as connection:
            cursor = await connection.execute(statement, parameters)
            return await cursor.fetchall() if cursor.description else []

    async def worker(self) -> int:
        rows = await self.run("SELECT * FROM procrastinate_register_worker_v1()")
        return int(rows[0]["worker_id"])

    async def fetch(self, worker: int | None = None) -> Fetched | None:
        rows = await self.run(
            "SELECT * FROM procrastinate_fetch_job_v2(NULL, %(worker)s)",
            worker=await self.worker() if worker is None else worker,
        )
        row = rows[0]
        if row["id"] is None:
            return None
        assert row["task_name"] == TASK
        return Fetched(
            job=row["id"],
            token=AttemptToken(**row["args"]),
            queue=row["queue_name"],
            priority=row["priority"],
        )

    async def take(self, worker: int | None = None) -> Fetched:
        fetched = await self.fetch(worker)
        assert fetched is not None, "the queue is empty"
        return fetched

    async def finish(self, job: int, status: str = "succeeded") -> None:
        await self.run(
            "SELECT procrastinate_finish_job_v1(%(job)s, %(status)s, false)",
            job=job,
            status=status,
        )

    async def close(self, job: int) -> None:
        """Finish a job, unless a sweep has."""
        await self.run(
            "WITH mine AS MATERIALIZED (SELECT id FROM procrastinate_jobs "
            "WHERE id = %(job)s AND status = 'doing' FOR UPDATE) "
            "SELECT procrastinate_finish_job_v1(id, 'succeeded', false) FROM mine",
            job=job,
        )

    async def begin(
        self, operations: Operations, worker: str = "w1"
    ) -> tuple[Fetched, AttemptToken]:
        """Fetch and claim what is next."""
        fetched = await self.take()
        await operations.claim(fetched.token, worker)
        return fetched, fetched.token

    async def status_of(self, job: int) -> str:
        rows = await self.run(
            "SELECT status::text FROM procrastinate_jobs WHERE id = %(job)s", job=job
        )
        return str(rows[0]["status"])

    async def live_jobs(self, operation: str) -> list[int]:
        """Numbers of the attempts that have a job that is not closed."""
        rows = await self.run(
            "SELECT (args ->> 'attempt')::int AS attempt FROM procrastinate_jobs "
            "WHERE status IN ('todo', 'doing') AND args ->> 'operation' = %(id)s "
            "ORDER BY id",
            id=operation,
        )
        return [row["attempt"] for row in rows]

    async def until_server_is_old_enough(self) -> None:
        """Wait: silence counts from the server's start at the earliest."""
        rows = await self.run(
            "SELECT extract(epoch FROM now() - pg_postmaster_start_time())::float "
            "AS age_s"
        )
        await asyncio.sleep(max(0.0, SILENT_S + 0.1 - rows[0]["age_s"]))

    async def clear(self) -> None:
        """Forget all operations and jobs."""
        await self.run("DELETE FROM ktrdr.operations")
        await self.run("DELETE FROM procrastinate_jobs")

    async def make_due(self) -> None:
        """Let the pauses before new attempts be over."""
        await self.run(
            "UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE id IN ("
            "SELECT id FROM procrastinate_jobs WHERE status = 'todo' "
            "AND scheduled_at IS NOT NULL FOR UPDATE SKIP LOCKED)"
        )

    async def age(self, *operations: str) -> None:
        """Let all workers, and those that do these operations, be silent for long."""
        await self.run(
            "UPDATE procrastinate_workers "
            "SET last_heartbeat = last_heartbeat - interval '1 hour'"
        )
        await self.run(
            "UPDATE ktrdr.operations SET created_at = created_at - interval '1 hour', "
            "heartbeat_at = heartbeat_at - interval '1 hour' WHERE id = ANY(%(ids)s)",
            ids=list(operations),
        )
