"""Bring a database to the schema of this program, or tell that it is not there."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import ProgrammingError
from psycopg.errors import LockNotAvailable

from ktrdr.database.database import Connection, Database
from ktrdr.database.migrations import QUEUE, Migration, known_migrations, queue_schema
from ktrdr.errors import DatabaseError, IncompatibleError

# Any number, as long as all programs use the same.
_LOCK = 0x6B74726472
_LOCK_WAIT_S = 60

_TABLE = """
CREATE SCHEMA IF NOT EXISTS ktrdr;
CREATE TABLE IF NOT EXISTS ktrdr.migrations (
    name text PRIMARY KEY,
    checksum text NOT NULL,
    program text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""
_ADD = """
INSERT INTO ktrdr.migrations (name, checksum, program)
VALUES (%(name)s, %(checksum)s, %(program)s)
"""


@dataclass(frozen=True, kw_only=True)
class Applied:
    """A step that the database has seen, and what brought it."""

    name: str
    checksum: str
    program: str


@dataclass(frozen=True, kw_only=True)
class SchemaState:
    """How far a database is.

    Attributes
    ----------
    applied : sequence of Applied
        In the order of their names.
    pending : sequence of Migration
        Steps that this program knows and the database has not seen.
    """

    applied: Sequence[Applied]
    pending: Sequence[Migration]

    @property
    def version(self) -> str | None:
        """Name of the newest step, None for an empty database."""
        return self.applied[-1].name if self.applied else None


async def schema_state(database: Database) -> SchemaState:
    """Return how far the database is.

    Raises
    ------
    IncompatibleError
        If it is newer than this program or of another history.
    """
    async with database.connection() as connection:
        return await _state(connection, database.place)


async def check_schema(database: Database) -> None:
    """Raise unless the database has exactly the schema of this program.

    Raises
    ------
    DatabaseError
        If steps are missing.
    IncompatibleError
        If it is newer than this program or of another history.
    """
    state = await schema_state(database)
    if state.pending:
        found = state.version or "no schema"
        raise DatabaseError(
            f"the database {database.place} has {found} and lacks "
            f"{state.pending[-1].name}: run `ktrdr db upgrade`"
        )


async def upgrade(database: Database) -> list[str]:
    """Apply the steps that are missing and return their names.

    Two at once are no harm: the second waits and finds nothing to do.

    Raises
    ------
    IncompatibleError
        If the database is newer than this program or of another history.
    DatabaseError
        If a step fails; the steps before it stay, of itself nothing does.
    """
    async with database.connection() as connection:
        await _lock(connection, database.place)
        try:
            await connection.execute(_TABLE)
            state = await _state(connection, database.place)
            return await _apply(connection, state)
        finally:
            if not connection.closed:
                await connection.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


async def _lock(connection: Connection, place: str) -> None:
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_WAIT_S}s'")
            # Of the session, thus kept when this transaction ends.
            await connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
    except LockNotAvailable:
        raise DatabaseError(
            f"another program has been upgrading {place} for {_LOCK_WAIT_S} s: "
            "wait until it has finished, or end it, and try again"
        ) from None


async def _state(connection: Connection, place: str) -> SchemaState:
    cursor = await connection.execute(
        "SELECT to_regclass('ktrdr.migrations') IS NOT NULL AS is_there"
    )
    row = await cursor.fetchone()
    if row is None or not row["is_there"]:
        return SchemaState(applied=(), pending=known_migrations())
    # The order of steps, whatever the collation of the database.
    cursor = await connection.execute(
        'SELECT name, checksum, program FROM ktrdr.migrations ORDER BY name COLLATE "C"'
    )
    applied = [Applied(**row) async for row in cursor]
    refuse_unknown(applied, place)
    names = {one.name for one in applied}
    pending = [one for one in known_migrations() if one.name not in names]
    return SchemaState(applied=applied, pending=pending)


def refuse_unknown(applied: Sequence[Applied], place: str) -> None:
    """Raise IncompatibleError if the steps are not those of this program."""
    known = {one.name: one for one in known_migrations()}
    newest_of_queue = max(name for name, one in known.items() if one.is_of_queue)
    for one in applied:
        match = known.get(one.name)
        if match is None:
            # Procrastinate may join steps that are long past.
            if one.name > newest_of_queue:
                raise IncompatibleError(_newer(one, place))
        elif match.checksum != one.checksum and not match.is_of_queue:
            raise IncompatibleError(
                f"the database {place} was made with another {one.name} "
                f"(by {one.program}) than that of this {match.program}: use the "
                "ktrdr that made it, or restore a backup into a new database"
            )


def _newer(unknown: Applied, place: str) -> str:
    last = known_migrations()[-1]
    return (
        f"the database {place} has the step {unknown.name} of {unknown.program}, "
        f"this is {last.program} and knows steps up to {last.name}: install "
        f"{unknown.program} or newer, or restore a backup that is older"
    )


async def _apply(connection: Connection, state: SchemaState) -> list[str]:
    todo = list(state.pending)
    queue = [one for one in todo if one.is_of_queue]
    if queue and not any(one.name.startswith(QUEUE) for one in state.applied):
        await _step(connection, queue_schema(), queue)
        todo = todo[len(queue) :]
    for one in todo:
        await _step(connection, one.sql, [one])
    return [one.name for one in state.pending]


async def _step(
    connection: Connection, statements: str, steps: Sequence[Migration]
) -> None:
    try:
        async with connection.transaction():
            await connection.execute(statements)
            await _note(connection, steps)
    except ProgrammingError as error:
        raise DatabaseError(
            f"the step {steps[-1].name} was refused, and nothing of it was done: "
            f"{' '.join(str(error).split())}"
        ) from error


async def _note(connection: Connection, steps: Sequence[Migration]) -> None:
    rows = [
        {"name": one.name, "checksum": one.checksum, "program": one.program}
        for one in steps
    ]
    async with connection.cursor() as cursor:
        await cursor.executemany(_ADD, rows)
