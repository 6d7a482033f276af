"""A real PostgreSQL for tests: one server a session, a fresh database each test."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

from ktrdr.database import Database, EmbeddedPostgres, upgrade

# No test needs to survive a crash of the machine.
_CARELESS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "logging_collector": "off",
}
_TEMPLATE = "migrated"


class TestServer:
    """A server with a migrated database that is copied for each test."""

    __test__ = False

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server
        self._numbers = count(1)
        self._admin = psycopg.connect(server.url, autocommit=True)
        self._admin.execute(f"CREATE DATABASE {_TEMPLATE}")
        asyncio.run(_migrate(self.url_of(_TEMPLATE)))

    def url_of(self, name: str) -> str:
        return self._server.url.rpartition("/")[0] + "/" + name

    @contextmanager
    def database(self, template: str = _TEMPLATE) -> Iterator[str]:
        """Make a database, lend its URL, and remove it with whoever is connected."""
        name = f"test_{next(self._numbers)}"
        self._admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url_of(name)
        finally:
            self._admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def end_backend(self, pid: int) -> None:
        """End a connection behind the back of its owner, and wait for that."""
        self._admin.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    def close(self) -> None:
        self._admin.close()


async def _migrate(url: str) -> None:
    async with Database(url) as database:
        await upgrade(database)


@contextmanager
def running_server(folder: Path) -> Iterator[TestServer]:
    """Run a server in ``folder`` that ends here, or with this process."""
    server = EmbeddedPostgres(folder, options=_CARELESS, ends_with_us=True)
    server.start()
    try:
        tests = TestServer(server)
        yield tests
        tests.close()
    finally:
        server.stop("immediate")
