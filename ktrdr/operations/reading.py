"""Looking at operations: one, a page of them, their events, their children."""

from typing import Any

from ktrdr.database import Database, load_queries
from ktrdr.errors import ConflictError, InputError, NotFoundError
from ktrdr.operations.ids import may_begin_id
from ktrdr.operations.model import OperationFilter
from ktrdr.operations.rows import (
    detail_of,
    event_of,
    fetch_all,
    fetch_one,
    operation_of,
    storable_text,
)
from ktrdr.schemas import (
    ChildOutcome,
    EventDocument,
    OperationDetail,
    OperationDocument,
    OperationPage,
)

_SQL = load_queries("ktrdr.operations", "sql", "reading.sql")
_CHILDREN = load_queries("ktrdr.operations", "sql", "children.sql")

# One page is one answer over HTTP.
MAX_PAGE = 1000
_LARGEST_SEQ = 2**63 - 1


async def resolve(database: Database, beginning: str) -> str:
    """Return the id that is or begins with ``beginning``."""
    if not may_begin_id(beginning):
        raise NotFoundError(_none(beginning))
    async with database.connection() as connection:
        if await fetch_one(connection, _SQL["get"], operation=beginning):
            return beginning
        rows = await fetch_all(connection, _SQL["find_by_prefix"], prefix=beginning)
    if not rows:
        raise NotFoundError(_none(beginning))
    if len(rows) > 1:
        ids = ", ".join(row["id"] for row in rows[:3])
        more = ", ..." if len(rows) > 3 else ""
        raise ConflictError(
            f"several operations begin with {beginning!r}: {ids}{more}; "
            "give more letters"
        )
    return str(rows[0]["id"])


async def get_document(database: Database, operation: str) -> OperationDocument:
    """Return the operation with this very id."""
    if not may_begin_id(operation):
        raise NotFoundError(_none(operation))
    async with database.connection() as connection:
        row = await fetch_one(connection, _SQL["get"], operation=operation)
    if row is None:
        raise NotFoundError(_none(operation))
    return operation_of(row)


async def get_detail(database: Database, beginning: str) -> OperationDetail:
    """Return the operation whose id begins so, with the attempts at it."""
    operation = await resolve(database, beginning)
    async with database.connection() as connection:
        row = await fetch_one(connection, _SQL["get"], operation=operation)
        attempts = await fetch_all(connection, _SQL["attempts"], operation=operation)
    if row is None:
        raise NotFoundError(_none(operation))
    return detail_of(row, attempts)


async def list_page(
    database: Database, which: OperationFilter, cursor: str | None, limit: int
) -> OperationPage:
    """Return a page of operations, newest first."""
    if not 1 <= limit <= MAX_PAGE:
        raise InputError(f"the limit is {limit}; it must be from 1 to {MAX_PAGE}")
    parameters = _conditions(which) | {"before": _before(cursor), "limit": limit + 1}
    async with database.connection() as connection:
        rows = await fetch_all(connection, _SQL["page"], **parameters)
    shown = rows[:limit]
    return OperationPage(
        items=tuple(map(operation_of, shown)),
        next_cursor=str(shown[-1]["seq"]) if len(rows) > limit else None,
    )


async def get_events(
    database: Database, operation: str, after: int, limit: int
) -> list[EventDocument]:
    """Return what happened to the operation after an event."""
    if not 1 <= limit <= MAX_PAGE:
        raise InputError(f"the limit is {limit}; it must be from 1 to {MAX_PAGE}")
    if not may_begin_id(operation):
        raise NotFoundError(_none(operation))
    async with database.connection() as connection:
        rows = await fetch_all(
            connection, _SQL["events"], operation=operation, after=after, limit=limit
        )
    return list(map(event_of, rows))


async def children_outcomes(database: Database, parent: str) -> list[ChildOutcome]:
    """Return how the children that have ended did, in the order of the plan."""
    async with database.connection() as connection:
        rows = await fetch_all(connection, _CHILDREN["outcomes"], parent=parent)
    return [
        ChildOutcome(
            title=row["title"],
            state=row["state"],
            result=row["result"],
            error=row["error"]["message"] if row["error"] else None,
        )
        for row in rows
    ]


def _conditions(which: OperationFilter) -> dict[str, Any]:
    return {
        "states": [str(state) for state in which.states] or None,
        "kinds": [storable_text(kind) for kind in which.kinds] or None,
        "parent": None if which.parent is None else storable_text(which.parent),
        "with_children": which.with_children or which.parent is not None,
        "created_by": (
            None if which.created_by is None else storable_text(which.created_by)
        ),
    }


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit()) or int(cursor) > _LARGEST_SEQ:
        raise InputError(
            f"the cursor {cursor!r} was not given by a page; use its next_cursor"
        )
    return int(cursor)


def _none(operation: str) -> str:
    return (
        f"there is no operation {operation!r}; `ktrdr ops list` shows those there are"
    )
