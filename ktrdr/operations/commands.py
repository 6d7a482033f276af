"""What users ask of operations that exist: cancel, resume, retry."""

from ktrdr.database import Connection, Database, Row, load_queries
from ktrdr.errors import ConflictError, NotFoundError
from ktrdr.operations.endings import end
from ktrdr.operations.queue import cancel_jobs, enqueue
from ktrdr.operations.requeue import begin_again
from ktrdr.operations.rows import fetch_all, fetch_one, operation_of
from ktrdr.schemas import OperationDocument, OperationState

_SQL = load_queries("ktrdr.operations", "sql", "transitions.sql")
_CHILDREN = load_queries("ktrdr.operations", "sql", "children.sql")

_CANCELLED = (OperationState.CANCELLED,)
_FAILED = (OperationState.FAILED, OperationState.DEAD_LETTER)


async def cancel(database: Database, operation: str) -> OperationDocument:
    """Cancel the operation, and its children with it."""
    while True:
        async with database.transaction() as connection:
            n_locked = len(
                await fetch_all(connection, _CHILDREN["lock_open"], parent=operation)
            )
            row = await _lock(connection, operation)
            # Somebody may have resumed a child before its parent was locked; all
            # have to be, and before it.
            if n_locked == row["n_open_children"]:
                return operation_of(await _cancel(connection, row))


async def resume(database: Database, operation: str) -> OperationDocument:
    """Let a cancelled operation go on."""
    return await _go_on(database, operation, _CANCELLED, "resumed")


async def retry(database: Database, operation: str) -> OperationDocument:
    """Try a failed operation again."""
    return await _go_on(database, operation, _FAILED, "tried again")


async def _cancel(connection: Connection, row: Row) -> Row:
    match OperationState(row["state"]):
        case OperationState.CANCELLED | OperationState.CANCELLING:
            return row
        case state if state.is_final:
            raise ConflictError(
                f"operation {row['id']} is {state} and can't be cancelled any more"
            )
    if row["n_open_children"]:
        return await _cancel_children(connection, row)
    if row["worker"] is None:
        row = await end(connection, row, OperationState.CANCELLED)
    else:
        row = await _ask_to_cancel(connection, row)
    await cancel_jobs(connection, [row["job_id"]])
    return row


async def _cancel_children(connection: Connection, parent: Row) -> Row:
    children = await fetch_all(
        connection, _CHILDREN["cancel_open"], parent=parent["id"]
    )
    n_ended = sum(child["state"] == OperationState.CANCELLED for child in children)
    n_open = parent["n_open_children"] - n_ended
    row = await _set_open(connection, parent["id"], n_open)
    if n_open == 0:
        row = await end(connection, row, OperationState.CANCELLED)
    else:
        row = await _ask_to_cancel(connection, row)
    await cancel_jobs(connection, [child["job_id"] for child in children])
    return row


async def _go_on(
    database: Database,
    operation: str,
    states: tuple[OperationState, ...],
    reason: str,
) -> OperationDocument:
    async with database.transaction() as connection:
        parent = await _lock_parent(connection, operation, states, reason)
        row = await _lock(connection, operation)
        _check_ended(row, states, reason)
        failures = 0 if states == _FAILED else row["failures"]
        n_open = await _revive_children(connection, row, states, reason)
        row = await begin_again(
            connection, row, reason, failures=failures, with_job=n_open == 0
        )
        if n_open:
            row = await _set_open(connection, operation, n_open)
        if parent is not None:
            await _set_open(connection, parent["id"], parent["n_open_children"] + 1)
    return operation_of(row)


async def _lock_parent(
    connection: Connection,
    operation: str,
    states: tuple[OperationState, ...],
    reason: str,
) -> Row | None:
    # A child that has ended is locked after its parent: only who holds the parent
    # makes it open again, and only holders of open children wait for the parent.
    row = await _read(connection, operation)
    if row["parent_id"] is None:
        return None
    parent = await _lock(connection, row["parent_id"])
    _check_ended(await _read(connection, operation), states, reason)
    going_on = (OperationState.PENDING, OperationState.RUNNING)
    if parent["state"] not in going_on or not parent["n_open_children"]:
        raise ConflictError(
            f"operation {operation} is part of {parent['id']}, which is "
            f"{parent['state']} with {parent['n_open_children']} open children; "
            f"a part can be {reason} only while others are open, and later only "
            "with its whole, unless that has completed"
        )
    return parent


def _check_ended(row: Row, states: tuple[OperationState, ...], reason: str) -> None:
    if row["state"] not in states:
        raise ConflictError(
            f"operation {row['id']} is {row['state']}; it can be {reason} only when "
            f"it is {' or '.join(states)}"
        )


async def _revive_children(
    connection: Connection,
    parent: Row,
    states: tuple[OperationState, ...],
    reason: str,
) -> int:
    if not parent["n_children"]:
        return 0
    children = await fetch_all(
        connection,
        _CHILDREN["begin_again"],
        parent=parent["id"],
        states=list(states),
        reason=f"its parent was {reason}",
        forget=states == _FAILED,
    )
    if children:
        await enqueue(connection, children)
    return len(children)


async def _set_open(connection: Connection, parent: str, n_open: int) -> Row:
    row = await fetch_one(
        connection, _CHILDREN["set_open"], parent=parent, n_open=n_open
    )
    return _there(row, parent)


async def _ask_to_cancel(connection: Connection, row: Row) -> Row:
    asked = await fetch_one(connection, _SQL["ask_to_cancel"], operation=row["id"])
    return _there(asked, row["id"])


async def _read(connection: Connection, operation: str) -> Row:
    row = await fetch_one(connection, _SQL["read"], operation=operation)
    return _there(row, operation)


async def _lock(connection: Connection, operation: str) -> Row:
    row = await fetch_one(connection, _SQL["lock"], operation=operation)
    return _there(row, operation)


def _there(row: Row | None, operation: str) -> Row:
    if row is None:
        raise NotFoundError(f"there is no operation {operation}; it was deleted")
    return row
