"""A new attempt: the one way in which an operation is tried again.

Never by the queue's own retry, which runs a job twice when its worker wakes up:
the attempt's number changes, so that all that the old one writes is refused, and
the new attempt has a job of its own, all in one transaction.
"""

from ktrdr.database import Connection, Row, load_queries
from ktrdr.errors import NotFoundError
from ktrdr.operations.endings import Outcome
from ktrdr.operations.queue import enqueue
from ktrdr.operations.rows import fetch_one, jsonb, storable_text
from ktrdr.schemas import FailureDocument

_SQL = load_queries("ktrdr.operations", "sql", "transitions.sql")


async def begin_again(
    connection: Connection,
    row: Row,
    reason: str,
    *,
    outcome: Outcome | None = None,
    error: FailureDocument | None = None,
    failures: int | None = None,
    delay_s: float = 0.0,
    with_job: bool = True,
) -> Row:
    """Give a locked operation its next attempt.

    Parameters
    ----------
    reason : str
        Why, for the event.
    outcome, error : str, FailureDocument
        Of the attempt before; None when no worker had begun it.
    failures : int or None
        Their new number; None leaves it.
    delay_s : float
        Pause until the job may start.
    with_job : bool
        False for a parent whose children come first.
    """
    again = await fetch_one(
        connection,
        _SQL["begin_again"],
        operation=row["id"],
        reason=storable_text(reason),
        outcome=outcome,
        attempt_error=jsonb(error),
        failures=row["failures"] if failures is None else failures,
        delay_s=delay_s,
    )
    if again is None:
        raise NotFoundError(f"operation {row['id']} was deleted")
    if with_job:
        await enqueue(connection, [again], again["due_at"] if delay_s > 0 else None)
    return again
