"""The sweep: what nobody works on is given to others, so nothing is ever stuck.

It runs in every worker and in the backend. Many at once are harmless: each
operation is locked, skipped when somebody else has it, and looked at again.

An operation needs a new attempt when

- its worker has not told of it for long, whatever its job looks like: the worker
  was killed, froze, or lost the database and with it the operation;
- its job was fetched and never claimed, by a worker that is silent or gone, or for
  long;
- no job stands for it, because its worker died or lost the database between two
  writes.

Jobs of silent workers whose operation ended or moved on are closed.
"""

import asyncio
import time
from collections.abc import AsyncIterator

from ktrdr.database import Connection, Database, Row, load_queries
from ktrdr.operations.endings import end
from ktrdr.operations.queue import TASK, finish_job
from ktrdr.operations.requeue import begin_again
from ktrdr.operations.rows import fetch_all, fetch_one
from ktrdr.schemas import FailureDocument, OperationState

_SQL = load_queries("ktrdr.operations", "sql", "stalled.sql")

# In one sweep; the next one finds the rest.
_LIMIT = 500
_LONGEST_PAUSE_S = 5.0


async def sweep_times(silent_for_s: float) -> AsyncIterator[None]:
    """Yield whenever it is time for a sweep.

    Not right after this process was frozen: when a laptop's lid was closed, those who
    did not tell of themselves were asleep as well, and get the time to do it first.
    """
    pause_s = min(_LONGEST_PAUSE_S, silent_for_s / 3)
    while True:
        # A monotonic clock stands still while the machine sleeps.
        began_s = time.time()
        await asyncio.sleep(pause_s)
        if time.time() - began_s < pause_s + silent_for_s / 2:
            yield


async def sweep(database: Database, silent_for_s: float) -> list[str]:
    """Give the operations of silent workers to others; return their ids."""
    async with database.connection() as connection:
        found = await fetch_all(
            connection,
            _SQL["survey"],
            silent_for_s=silent_for_s,
            task=TASK,
            limit=_LIMIT,
        )
        for job in (row["job"] for row in found if row["operation"] is None):
            await finish_job(connection, job)
    stalled = [row for row in found if row["operation"] is not None]
    return [
        row["operation"]
        for row in stalled
        if await _rescue(database, row, silent_for_s)
    ]


async def _rescue(database: Database, found: Row, silent_for_s: float) -> bool:
    async with database.transaction() as connection:
        row = await fetch_one(
            connection,
            _SQL["lock_stalled"],
            operation=found["operation"],
            attempt=found["attempt"],
            silent_for_s=silent_for_s,
        )
        if row is None:
            return False
        if row["state"] == OperationState.CANCELLING:
            await end(connection, row, OperationState.CANCELLED, outcome="cancelled")
        elif row["worker"] is None:
            # It had not begun, so it has not failed.
            await begin_again(connection, row, "its job was lost before it began")
        else:
            await _lost(connection, row)
        if found["job"] is not None:
            await finish_job(connection, found["job"])
    return True


async def _lost(connection: Connection, row: Row) -> None:
    failures = row["failures"] + 1
    error = FailureDocument(
        code="worker_lost",
        message=f"worker {row['worker']} has not been heard of since "
        f"{row['heartbeat_at']:%Y-%m-%d %H:%M:%S %Z}",
        exit_code=1,
        http_status=503,
        retry=True,
    )
    if failures < row["max_failures"]:
        await begin_again(
            connection,
            row,
            error.message,
            outcome="lost",
            error=error,
            failures=failures,
        )
        return
    await end(
        connection,
        row,
        OperationState.DEAD_LETTER,
        outcome="lost",
        error=error,
        reason=f"given up after {failures} failures, the last: {error.message}",
        failures=failures,
    )
