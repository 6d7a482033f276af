"""What the worker of an attempt tells; all of it is refused when a newer one exists.

The common calls are one statement, thus one round trip, each.
"""

import random
from collections.abc import Mapping
from typing import Any

from ktrdr.database import Connection, Database, Row, load_queries
from ktrdr.errors import AttemptSuperseded, InputError
from ktrdr.operations.endings import end
from ktrdr.operations.model import AttemptToken
from ktrdr.operations.requeue import begin_again
from ktrdr.operations.rows import fetch_one, jsonb, operation_of, storable_text
from ktrdr.schemas import (
    FailureDocument,
    OperationDocument,
    OperationState,
    ProgressDocument,
)
from ktrdr.settings import settings

_SQL = load_queries("ktrdr.operations", "sql", "attempts.sql")

_RECORDED = ("phase", "note")
LONGEST_DELAY_S = 300.0
# A burst of failures must not come back as a burst.
_JITTER = 0.1


async def claim(
    database: Database, token: AttemptToken, worker: str
) -> OperationDocument:
    """Begin the attempt."""
    return operation_of(await _write(database, token, "claim", worker=worker))


async def heartbeat(
    database: Database, token: AttemptToken, progress: ProgressDocument | None
) -> OperationState:
    """Tell that the attempt lives and how far it is."""
    row = await _write(database, token, "heartbeat", progress=jsonb(progress))
    return OperationState(row["state"])


async def record(
    database: Database, token: AttemptToken, type: str, data: Mapping[str, Any]
) -> None:
    """Keep an event."""
    if type not in _RECORDED:
        raise InputError(f"an event of type {type!r} can't be recorded: {_RECORDED}")
    await _write(database, token, "record", type=type, data=jsonb(data))


async def checkpoint(
    database: Database, token: AttemptToken, name: str, digest: str
) -> None:
    """Note the newest checkpoint of a network."""
    await _write(database, token, "checkpoint", name=storable_text(name), digest=digest)


async def complete(
    database: Database, token: AttemptToken, result: Mapping[str, Any]
) -> None:
    """End with a result; too late to be cancelled if that was asked meanwhile."""
    async with database.connection() as connection:
        if await fetch_one(
            connection, _SQL["complete"], **_parts(token), result=jsonb(result)
        ):
            return
    async with database.transaction() as connection:
        row = await _lock(connection, token)
        await end(
            connection,
            row,
            OperationState.COMPLETED,
            outcome="completed",
            result=result,
        )


async def fail(
    database: Database, token: AttemptToken, error: FailureDocument
) -> OperationState:
    """End with an error, or with a new attempt after a pause if it may pass."""
    async with database.transaction() as connection:
        row = await _lock(connection, token)
        if row["state"] == OperationState.CANCELLING:
            ended = await _cancelled(connection, row, error)
        elif not error.retry:
            ended = await end(
                connection, row, OperationState.FAILED, outcome="failed", error=error
            )
        else:
            ended = await _failed_for_now(connection, row, error)
    return OperationState(ended["state"])


async def hand_back(database: Database, token: AttemptToken, reason: str) -> None:
    """Give the operation to another worker."""
    async with database.transaction() as connection:
        row = await _lock(connection, token)
        if row["state"] == OperationState.CANCELLING:
            await _cancelled(connection, row)
        else:
            await begin_again(connection, row, reason, outcome="handed_back")


async def let_go(database: Database, token: AttemptToken) -> None:
    """End as cancelled; refused if nobody asked for it."""
    async with database.transaction() as connection:
        row = await _lock(connection, token)
        if row["state"] != OperationState.CANCELLING:
            raise AttemptSuperseded(
                f"{token} can't end as cancelled: nobody asked to cancel it"
            )
        await _cancelled(connection, row)


def delay_after(failures: int) -> float:
    """Return the pause in seconds before the attempt after that many failures."""
    doubled = settings().retry_delay_s * 2.0 ** min(failures - 1, 30)
    return min(doubled, LONGEST_DELAY_S) * random.uniform(1.0 - _JITTER, 1.0)


async def _failed_for_now(
    connection: Connection, row: Row, error: FailureDocument
) -> Row:
    failures = row["failures"] + 1
    if failures < row["max_failures"]:
        return await begin_again(
            connection,
            row,
            error.message,
            outcome="failed",
            error=error,
            failures=failures,
            delay_s=delay_after(failures),
        )
    return await end(
        connection,
        row,
        OperationState.DEAD_LETTER,
        outcome="failed",
        error=error,
        reason=f"given up after {failures} failures, the last: {error.message}",
        failures=failures,
    )


async def _cancelled(
    connection: Connection, row: Row, error: FailureDocument | None = None
) -> Row:
    return await end(
        connection, row, OperationState.CANCELLED, outcome="cancelled", error=error
    )


async def _write(
    database: Database, token: AttemptToken, statement: str, **parameters: object
) -> Row:
    async with database.connection() as connection:
        row = await fetch_one(
            connection, _SQL[statement], **_parts(token), **parameters
        )
        if row is None:
            raise await _refusal(connection, token)
        return row


async def _lock(connection: Connection, token: AttemptToken) -> Row:
    row = await fetch_one(connection, _SQL["lock_held"], **_parts(token))
    if row is None:
        raise await _refusal(connection, token)
    return row


async def _refusal(connection: Connection, token: AttemptToken) -> AttemptSuperseded:
    row = await fetch_one(connection, _SQL["current"], operation=token.operation)
    if row is None:
        return AttemptSuperseded(f"{token} can't write: the operation was deleted")
    held = f" by worker {row['worker']}" if row["worker"] else ""
    return AttemptSuperseded(
        f"{token} can't write: attempt {row['attempt']} is current "
        f"and {row['state']}{held}"
    )


def _parts(token: AttemptToken) -> dict[str, object]:
    return {"operation": token.operation, "attempt": token.attempt}
