"""The connection to PostgreSQL: a pool, and transactions on it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from psycopg import AsyncConnection, OperationalError
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from ktrdr.database.address import parts_of, place_of, without_password
from ktrdr.database.liveness import check_connection
from ktrdr.errors import DatabaseError

# What a row is: its columns by name.
Row = dict[str, Any]
Connection = AsyncConnection[Row]

# What the URL may say otherwise: how soon a server that fell silent is noticed, and
# how long a program that froze in a transaction may keep its locks.
_DEFAULTS = {
    "connect_timeout": "5",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    # What was sent is not asked after by keepalives; Linux would repeat it for 15 min.
    "tcp_user_timeout": "30000",
    "options": "-c idle_in_transaction_session_timeout=30s",
}
# How long one waits for a connection while the server is away.
_WAIT_S = 10.0


class Database:
    """A pool of connections; use it as an async context manager.

    Parameters
    ----------
    url : str
        ``postgresql://user:password@host:port/name``.
    max_size : int
        Most connections.
    application_name : str
        Shown by PostgreSQL for each connection.

    Every method raises DatabaseError if the server is out of reach.
    """

    def __init__(
        self, url: str, *, max_size: int = 4, application_name: str = "ktrdr"
    ) -> None:
        self._url = url
        self._conninfo = make_conninfo(
            **{**_DEFAULTS, **parts_of(url), "application_name": application_name}
        )
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            self._conninfo,
            min_size=1,
            max_size=max_size,
            kwargs={"autocommit": True, "row_factory": dict_row},
            open=False,
            timeout=_WAIT_S,
            # After that whoever waits begins anew: the pauses between attempts, which
            # double, must not outlast the server's absence by much.
            reconnect_timeout=_WAIT_S,
            # A connection that died with the server is replaced, not lent.
            check=check_connection,
        )

    @property
    def url(self) -> str:
        """Where it is, with the password."""
        return self._url

    @property
    def place(self) -> str:
        """Host, port and name, for people."""
        return place_of(self._url)

    async def __aenter__(self) -> "Database":
        with _telling(self._url):
            # The pool would try on in silence; this tells at once what is wrong.
            first = await AsyncConnection.connect(self._conninfo)
            await first.close()
            await self._pool.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection in autocommit mode, whose rows are dicts."""
        with _telling(self._url):
            async with self._pool.connection() as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection within a transaction, committed at the end."""
        with _telling(self._url):
            async with self._pool.connection() as connection, connection.transaction():
                yield connection

    async def server_facts(self) -> tuple[str, int]:
        """Return the release of the server and the size of the database in bytes."""
        async with self.connection() as connection:
            cursor = await connection.execute(
                "SELECT current_setting('server_version') AS version, "
                "pg_database_size(current_database()) AS size"
            )
            row = await cursor.fetchone() or {}
        return str(row["version"]), int(row["size"])


@contextmanager
def _telling(url: str) -> Iterator[None]:
    try:
        yield
    except (OperationalError, PoolTimeout, PoolClosed) as error:
        raise DatabaseError(
            f"PostgreSQL at {place_of(url)} does not do what was asked: "
            f"{without_password(error, url)}"
        ) from error
