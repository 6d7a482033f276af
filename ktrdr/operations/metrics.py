"""Counts of operations, waiting jobs and workers, for who watches the system."""

from dataclasses import dataclass

from ktrdr.database import Database, load_queries
from ktrdr.operations.rows import fetch_all

_SQL = load_queries("ktrdr.operations", "sql", "reading.sql")


@dataclass(frozen=True, kw_only=True)
class StateCount:
    """How many operations or workers of a kind are in a state."""

    kind: str
    state: str
    n: int


@dataclass(frozen=True, kw_only=True)
class QueueDepth:
    """How many jobs wait in a queue, and for how long the oldest has, in seconds."""

    queue: str
    n: int
    oldest_s: float


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """How much there is to do and who does it."""

    operations: tuple[StateCount, ...]
    queues: tuple[QueueDepth, ...]
    workers: tuple[StateCount, ...]


async def read_metrics(database: Database) -> Metrics:
    """Count what there is now."""
    async with database.connection() as connection:
        operations = await fetch_all(connection, _SQL["count_operations"])
        queues = await fetch_all(connection, _SQL["count_queues"])
        workers = await fetch_all(connection, _SQL["count_workers"])
    return Metrics(
        operations=tuple(StateCount(**row) for row in operations),
        queues=tuple(QueueDepth(**row) for row in queues),
        workers=tuple(StateCount(**row) for row in workers),
    )
