"""Making operations: rows and jobs in one transaction."""

from collections.abc import Sequence
from datetime import UTC, datetime

from ktrdr.database import Connection, Database, Row, load_queries
from ktrdr.errors import ConflictError, InputError, NotFoundError
from ktrdr.operations.ids import new_id
from ktrdr.operations.model import Created, NewOperation
from ktrdr.operations.queue import enqueue
from ktrdr.operations.rows import fetch_all, fetch_one, jsonb, operation_of
from ktrdr.operations.rows import storable_text as text
from ktrdr.schemas import OperationDocument, ProgressDocument
from ktrdr.settings import settings
from ktrdr.tracing import current_traceparent, span

_SQL = load_queries("ktrdr.operations", "sql", "create.sql")


async def create(
    database: Database, new: NewOperation, children: Sequence[NewOperation]
) -> Created:
    """Make the operation with its job, or with its children and their jobs."""
    with span(f"create {new.kind}", "producer") as told:
        async with database.transaction() as connection:
            row = await _insert(connection, new, len(children))
            if row is None:
                return await _repeated(connection, new)
            made = [row]
            if children:
                made = await _insert_children(connection, row, children)
            await enqueue(connection, made)
        told.tell(operation=row["id"], queue=new.queue, n_children=len(children))
        return Created(operation=operation_of(row))


async def _insert(
    connection: Connection, new: NewOperation, n_children: int
) -> Row | None:
    return await fetch_one(
        connection,
        _SQL["create"],
        id=new_id(),
        kind=new.kind,
        title=text(new.title),
        queue=new.queue,
        priority=new.priority,
        request=jsonb(new.request),
        max_failures=_max_failures(new),
        n_children=n_children,
        progress=jsonb(_nothing_done(n_children)) if n_children else None,
        created_by=text(new.created_by),
        idempotency_key=_key(new),
        request_digest=text(new.request_digest),
        traceparent=current_traceparent(),
    )


async def _insert_children(
    connection: Connection, parent: Row, children: Sequence[NewOperation]
) -> list[Row]:
    return await fetch_all(
        connection,
        _SQL["create_children"],
        parent=parent["id"],
        created_by=parent["created_by"],
        traceparent=parent["traceparent"],
        ids=[new_id() for _ in children],
        kinds=[child.kind for child in children],
        titles=[text(child.title) for child in children],
        queues=[child.queue for child in children],
        priorities=[child.priority for child in children],
        requests=[jsonb(child.request) for child in children],
        max_failures=[_max_failures(child) for child in children],
    )


async def find_repeat(
    database: Database, created_by: str, key: str, request_digest: str
) -> OperationDocument | None:
    """Return what was made before with this key; None if nothing was."""
    async with database.connection() as connection:
        row = await fetch_one(
            connection,
            _SQL["find_by_key"],
            created_by=text(created_by),
            idempotency_key=text(key),
        )
    return None if row is None else operation_of(_same(row, key, request_digest))


async def _repeated(connection: Connection, new: NewOperation) -> Created:
    row = await fetch_one(
        connection,
        _SQL["find_by_key"],
        created_by=text(new.created_by),
        idempotency_key=_key(new),
    )
    if row is None:
        raise NotFoundError(
            f"the operation with the idempotency key {new.idempotency_key!r} was "
            "deleted just now; ask again"
        )
    same = _same(row, new.idempotency_key, new.request_digest)
    return Created(operation=operation_of(same), is_new=False)


def _same(row: Row, key: str | None, request_digest: str) -> Row:
    if row["request_digest"] != text(request_digest):
        raise ConflictError(
            f"the idempotency key {key!r} was used for operation {row['id']}, which "
            "was asked for otherwise; use a new key"
        )
    return row


def _key(new: NewOperation) -> str | None:
    return None if new.idempotency_key is None else text(new.idempotency_key)


def _max_failures(new: NewOperation) -> int:
    if new.max_failures is None:
        return settings().max_failures
    if new.max_failures < 1:
        raise InputError(f"max_failures is {new.max_failures}; it must be at least 1")
    return new.max_failures


def _nothing_done(n_children: int) -> ProgressDocument:
    return ProgressDocument(
        phase="children", total=n_children, unit="children", at=datetime.now(UTC)
    )
