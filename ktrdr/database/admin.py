"""A plain connection for what is done once, such as making a database."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from ktrdr.database.address import place_of, without_password
from ktrdr.errors import DatabaseError

_OTHERS = """
SELECT DISTINCT coalesce(nullif(application_name, ''), 'unnamed')
FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid() ORDER BY 1
"""
_N_RELATIONS = r"""
SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS s ON s.oid = c.relnamespace
WHERE s.nspname <> 'information_schema' AND s.nspname NOT LIKE 'pg\_%'
"""


@contextmanager
def admin(url: str) -> Iterator[psycopg.Connection]:
    """Lend a connection, and tell in words what PostgreSQL refuses."""
    try:
        with psycopg.connect(
            url, autocommit=True, connect_timeout=5, application_name="ktrdr db"
        ) as connection:
            yield connection
    except psycopg.Error as error:
        raise DatabaseError(
            f"PostgreSQL at {place_of(url)} refuses: {without_password(error, url)}"
        ) from error


def major_of(connection: psycopg.Connection) -> int:
    """Return the major of the server."""
    return connection.info.server_version // 10_000


def is_empty(connection: psycopg.Connection) -> bool:
    """Return whether the database holds no tables or the like."""
    row = connection.execute(_N_RELATIONS).fetchone()
    return row is not None and row[0] == 0


def users_of(connection: psycopg.Connection, name: str) -> list[str]:
    """Return the names of the programs connected to the database ``name``."""
    return [str(row[0]) for row in connection.execute(_OTHERS, [name])]


def make_database(connection: psycopg.Connection, name: str) -> None:
    """Make an empty database."""
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE template0")
    connection.execute(statement.format(sql.Identifier(name)))


def drop_database(connection: psycopg.Connection, name: str) -> None:
    """Remove a database if it is there."""
    statement = sql.SQL("DROP DATABASE IF EXISTS {}")
    connection.execute(statement.format(sql.Identifier(name)))


def rename_database(connection: psycopg.Connection, name: str, new: str) -> None:
    """Give a database another name, which a transaction can take back."""
    statement = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    connection.execute(statement.format(sql.Identifier(name), sql.Identifier(new)))
