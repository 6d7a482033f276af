"""Rows of the database and the documents made of them."""

import math
from collections.abc import Mapping
from typing import Any, LiteralString, overload

from psycopg.types.json import Jsonb
from pydantic import BaseModel

from ktrdr.database import Connection, Row
from ktrdr.schemas import (
    AttemptDocument,
    EventDocument,
    OperationDetail,
    OperationDocument,
)


async def fetch_one(
    connection: Connection, statement: LiteralString, **parameters: object
) -> Row | None:
    """Run ``statement`` and return its first row."""
    return await (await connection.execute(statement, parameters)).fetchone()


async def fetch_all(
    connection: Connection, statement: LiteralString, **parameters: object
) -> list[Row]:
    """Run ``statement`` and return its rows."""
    return await (await connection.execute(statement, parameters)).fetchall()


def operation_of(row: Row) -> OperationDocument:
    """Return the operation that a row of ``ktrdr.operations`` holds."""
    return OperationDocument.model_validate(_fields(row))


def detail_of(row: Row, attempts: list[Row]) -> OperationDetail:
    """Return the operation with the attempts at it."""
    return OperationDetail.model_validate(
        _fields(row) | {"attempts": [AttemptDocument(**one) for one in attempts]}
    )


def event_of(row: Row) -> EventDocument:
    """Return the event that a row of ``ktrdr.events`` holds."""
    return EventDocument(**_renamed(row, {"operation_id": "operation"}))


def _fields(row: Row) -> Row:
    known = OperationDocument.model_fields
    return {
        name: value
        for name, value in _renamed(row, {"parent_id": "parent"}).items()
        if name in known
    }


def _renamed(row: Row, names: Mapping[str, str]) -> Row:
    return {names.get(name, name): value for name, value in row.items()}


@overload
def jsonb(value: None) -> None: ...
@overload
def jsonb(value: Mapping[str, Any] | BaseModel) -> Jsonb: ...
def jsonb(value: Mapping[str, Any] | BaseModel | None) -> Jsonb | None:
    """Return ``value`` as PostgreSQL stores it.

    Its JSON has no NUL, no half characters, no infinity and no NaN: a report with
    one of them must not keep an operation from ending, so they become U+FFFD and
    null.
    """
    if value is None:
        return None
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    return Jsonb(_storable(value))


def storable_text(text: str) -> str:
    """Return ``text`` without what PostgreSQL can't store."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def _storable(value: Any) -> Any:
    match value:
        case str():
            return storable_text(value)
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {storable_text(str(k)): _storable(v) for k, v in value.items()}
        case list() | tuple():
            return [_storable(one) for one in value]
        case _:
            return value
