"""A role of the database for workers: it does their work and sees no tokens."""

import psycopg
from psycopg import sql

from ktrdr.database.address import parts_of
from ktrdr.database.admin import admin
from ktrdr.errors import DatabaseError, InputError

_SHORTEST_PASSWORD = 16
# What workers write, and what they only read. All else in the schema is withheld.
# Nobody deletes operations, so that a worker's host in wrong hands can't, either.
WRITTEN = ("operations", "attempts", "events", "workers")
READ = ("migrations", "backend")
WITHHELD = ("tokens", "sessions")
# Beside the queue: each sweep forgets who has been silent for long. A worker that
# lives registers again.
DELETED = ("workers",)
# Connections that workers leave to the backend, backups and whoever looks for a fault.
_KEPT = 30
_QUEUE_TABLES = """
SELECT schemaname, tablename FROM pg_tables
WHERE tablename LIKE 'procrastinate%' AND schemaname = ANY (current_schemas(false))
ORDER BY 1, 2
"""


def allow_workers(url: str, role: str, password: str) -> None:
    """Make the role or change its password, and grant it what workers need.

    To be done again after each upgrade of the schema, which may bring tables, and
    after a change of `max_connections`, of which the role may take a part.

    Parameters
    ----------
    url : str
        Of the database, with a user who may make roles.
    role, password : str
        Of the workers.

    Raises
    ------
    InputError
        If the role is the owner of the database, or the password is short.
    DatabaseError
        If PostgreSQL refuses.
    """
    if role == parts_of(url).get("user"):
        raise InputError(
            f"{role} owns the database: name another role for workers, which then "
            "can't read tokens or change the schema"
        )
    if len(password) < _SHORTEST_PASSWORD:
        raise InputError(
            f"the password of {role} has {len(password)} characters, expected "
            f"{_SHORTEST_PASSWORD} or more that nobody can guess"
        )
    with admin(url) as connection, connection.transaction():
        _make_role(connection, role, password)
        _grant(connection, role)


def _make_role(connection: psycopg.Connection, role: str, password: str) -> None:
    name = sql.Identifier(role)
    found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
    if found.fetchone() is None:
        connection.execute(sql.SQL("CREATE ROLE {}").format(name))
    # Hashed here, so that the server never sees it, nor its log.
    hashed = connection.pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    )
    statement = sql.SQL(
        "ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE "
        "CONNECTION LIMIT {} PASSWORD {}"
    )
    limit = sql.Literal(_limit(connection))
    connection.execute(statement.format(name, limit, sql.Literal(hashed.decode())))


def _limit(connection: psycopg.Connection) -> int:
    """Return how many connections workers may hold of those that the server takes."""
    shown = connection.execute("SELECT current_setting('max_connections')::int")
    n_connections = int((shown.fetchone() or [0])[0])
    # A small server is shared by halves.
    return max(n_connections - _KEPT, n_connections // 2)


def _grant(connection: psycopg.Connection, role: str) -> None:
    queue = [(str(row[0]), str(row[1])) for row in connection.execute(_QUEUE_TABLES)]
    if not queue:
        raise DatabaseError(
            "the database holds no queue yet: run `ktrdr db upgrade` before"
        )
    # The owner finds the queue in the schema of its own name, if there is one.
    schemas = sorted({"ktrdr", *(schema for schema, _ in queue)})
    written = [*(("ktrdr", table) for table in WRITTEN), *queue]
    _run(connection, role, "REVOKE ALL ON ALL TABLES IN SCHEMA ktrdr FROM {role}")
    for schema in schemas:
        _run(connection, role, "GRANT USAGE ON SCHEMA {0} TO {role}", schema)
        sequences = "GRANT USAGE ON ALL SEQUENCES IN SCHEMA {0} TO {role}"
        _run(connection, role, sequences, schema)
    for schema, table in written:
        rights = "GRANT SELECT, INSERT, UPDATE ON {0}.{1} TO {role}"
        _run(connection, role, rights, schema, table)
    for schema, table in [*(("ktrdr", table) for table in DELETED), *queue]:
        _run(connection, role, "GRANT DELETE ON {0}.{1} TO {role}", schema, table)
    for table in READ:
        _run(connection, role, "GRANT SELECT ON ktrdr.{0} TO {role}", table)
    path = sql.SQL(", ").join(map(sql.Identifier, schemas))
    statement = sql.SQL("ALTER ROLE {} SET search_path = {}")
    connection.execute(statement.format(sql.Identifier(role), path))


def _run(
    connection: psycopg.Connection, role: str, statement: str, *names: str
) -> None:
    identifiers = map(sql.Identifier, names)
    filled = sql.SQL(statement).format(*identifiers, role=sql.Identifier(role))
    connection.execute(filled)
