"""Which artifacts operations need, for whoever deletes those that nobody needs."""

from ktrdr.database import Database, load_queries
from ktrdr.operations.rows import fetch_all

_SQL = load_queries("ktrdr.operations", "sql", "digests.sql")


async def named_digests(database: Database) -> set[str]:
    """Return the digests in requests, results and checkpoints still of use."""
    async with database.connection() as connection:
        rows = await fetch_all(connection, _SQL["named"])
    return {row["digest"] for row in rows}
