"""The end of an operation, and what it means for the parent.

Whoever calls this holds the operation's row lock within a transaction. Locks are
taken in one order everywhere, so nobody waits in a circle: an open child, its
parent, jobs. A parent's count is changed under its lock in the transaction that
ends the child, so each child is counted once and one of them is the last.
"""

from collections.abc import Mapping
from typing import Any, Literal

from ktrdr.database import Connection, Row, load_queries
from ktrdr.errors import NotFoundError
from ktrdr.operations.queue import enqueue
from ktrdr.operations.rows import fetch_one, jsonb, storable_text
from ktrdr.schemas import FailureDocument, OperationState

Outcome = Literal["completed", "failed", "cancelled", "handed_back", "lost"]

_SQL = load_queries("ktrdr.operations", "sql", "transitions.sql")
_CHILDREN = load_queries("ktrdr.operations", "sql", "children.sql")


async def end(
    connection: Connection,
    row: Row,
    state: OperationState,
    *,
    outcome: Outcome | None = None,
    result: Mapping[str, Any] | None = None,
    error: FailureDocument | None = None,
    reason: str | None = None,
    failures: int | None = None,
) -> Row:
    """End a locked operation; when it is its parent's last child, so is told there.

    Parameters
    ----------
    outcome : str or None
        Of the attempt; None when no worker had begun it.
    error : FailureDocument or None
        Of the attempt; the operation's too, unless it is cancelled.
    failures : int or None
        Their new number; None leaves it.
    """
    is_failed = state in (OperationState.FAILED, OperationState.DEAD_LETTER)
    ended = await fetch_one(
        connection,
        _SQL["end"],
        operation=row["id"],
        state=state,
        result=jsonb(result),
        error=jsonb(error if is_failed else None),
        attempt_error=jsonb(error),
        outcome=outcome,
        reason=reason if reason is None else storable_text(reason),
        failures=row["failures"] if failures is None else failures,
    )
    if ended is None:
        raise NotFoundError(f"operation {row['id']} was deleted")
    if ended["parent_id"] is not None:
        await _count_down(connection, ended["parent_id"])
    return ended


async def _count_down(connection: Connection, parent: str) -> None:
    row = await fetch_one(connection, _CHILDREN["count_down"], parent=parent)
    if row is not None and row["n_open_children"] == 0:
        await _settle(connection, row)


async def _settle(connection: Connection, parent: Row) -> None:
    # All children have ended, and this transaction alone knows.
    if parent["state"] == OperationState.CANCELLING:
        await end(connection, parent, OperationState.CANCELLED)
        return
    tally = await fetch_one(connection, _CHILDREN["tally"], parent=parent["id"])
    if tally is None or tally["any_completed"]:
        await enqueue(connection, [parent])
    elif tally["first_failed"] is not None:
        error = _first_error(parent, tally["first_failed"])
        await end(connection, parent, OperationState.FAILED, error=error)
    else:
        reason = "all its children were cancelled"
        await end(connection, parent, OperationState.CANCELLED, reason=reason)


def _first_error(parent: Row, child: Row) -> FailureDocument:
    error = FailureDocument.model_validate(child["error"])
    message = (
        f"none of {parent['n_children']} children was completed; the first to fail "
        f"in the order of the plan, {child['title']}: {error.message}"
    )
    return error.model_copy(update={"message": message, "retry": False})
