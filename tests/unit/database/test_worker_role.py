"""Workers get a role of their own, with no more rights than they use."""

from urllib.parse import quote, urlencode

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from ktrdr.database import Database, allow_workers
from ktrdr.database.address import parts_of
from ktrdr.database.worker_role import READ, WITHHELD, WRITTEN
from ktrdr.errors import InputError
from ktrdr.operations import Operations

ROLE = "some_worker"
PASSWORD = "long enough, with a 'quote'"
TABLES = (
    "SELECT tablename FROM pg_tables WHERE schemaname = 'ktrdr' "
    "AND tablename NOT LIKE 'procrastinate%'"
)
OLD_JOB = """
INSERT INTO procrastinate_jobs (queue_name, task_name, status)
VALUES ('q', 't', 'succeeded')
"""
OLD_WORKER = """
INSERT INTO ktrdr.workers
    (name, kind, device, queues, concurrency, host, pid, build, state, heartbeat_at)
VALUES ('gone', 'backtest', 'cpu', '{}', 1, 'h', 1, '{}', 'stopped',
    now() - interval '2 days')
"""
CLAIM = "UPDATE ktrdr.operations SET worker = 'x' WHERE false"


@pytest.fixture
def allowed(database_url: str):
    allow_workers(database_url, ROLE, PASSWORD)
    yield database_url
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(f"DROP OWNED BY {ROLE}")
        owner.execute(f"DROP ROLE {ROLE}")


def parts_of_worker(url: str, password: str = PASSWORD) -> dict[str, str]:
    return {**parts_of(url), "user": ROLE, "password": password}


def as_worker(url: str, password: str = PASSWORD) -> psycopg.Connection:
    parts = parts_of_worker(url, password)
    return psycopg.connect(**parts, autocommit=True)  # type: ignore[arg-type]


def test_every_table_is_granted_or_withheld_on_purpose(database_url: str):
    with psycopg.connect(database_url) as owner:
        found = {row[0] for row in owner.execute(TABLES)}
    assert found == {*WRITTEN, *READ, *WITHHELD}


def test_a_worker_writes_what_it_works_on(allowed: str):
    with as_worker(allowed) as worker:
        worker.execute(CLAIM)
        worker.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('q', 't')"
        )
        worker.execute("LISTEN procrastinate_any_queue")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM ktrdr.tokens",
        "SELECT * FROM ktrdr.sessions",
        "INSERT INTO ktrdr.tokens (id, name, role, secret_hash) "
        "VALUES ('i', 'n', 'admin', 'h')",
        "UPDATE ktrdr.backend SET started_at = now()",
        "DELETE FROM ktrdr.migrations",
        "DELETE FROM ktrdr.operations",
        "DELETE FROM ktrdr.attempts",
        "DELETE FROM ktrdr.events",
        "TRUNCATE ktrdr.workers",
        f"ALTER ROLE {ROLE} CONNECTION LIMIT -1",
        "DROP TABLE ktrdr.operations",
        "CREATE TABLE ktrdr.mine (n int)",
        "CREATE TABLE public.mine (n int)",
        "CREATE ROLE another",
        "COPY (SELECT 1) TO PROGRAM 'cat'",
    ],
)
def test_a_worker_may_do_nothing_else(allowed: str, statement: str):
    with as_worker(allowed) as worker, pytest.raises(InsufficientPrivilege):
        worker.execute(statement)


@pytest.mark.anyio
async def test_a_worker_sweeps_with_the_rights_it_has(allowed: str, monkeypatch):
    monkeypatch.setattr("ktrdr.operations.operations._PRUNE_EVERY_S", 0.0)
    with psycopg.connect(allowed, autocommit=True) as owner:
        owner.execute(OLD_JOB)
        owner.execute("UPDATE procrastinate_events SET at = at - interval '2 days'")
        owner.execute(OLD_WORKER)
    url = f"postgresql://?{urlencode(parts_of_worker(allowed), quote_via=quote)}"
    async with Database(url) as database:
        assert await Operations(database).sweep(30.0) == []
    with psycopg.connect(allowed) as owner:
        for table in ("ktrdr.workers", "procrastinate_jobs", "procrastinate_events"):
            assert owner.execute(f"SELECT * FROM {table}").fetchall() == []


def test_workers_leave_connections_to_others(allowed: str):
    with psycopg.connect(allowed) as owner:
        asked = owner.execute(
            "SELECT current_setting('max_connections')::int, rolconnlimit "
            "FROM pg_roles WHERE rolname = %s",
            [ROLE],
        )
        ((most, limit),) = asked.fetchall()
    assert 0 < limit <= most - 20


def test_doing_it_again_changes_the_password(allowed: str):
    allow_workers(allowed, ROLE, "another one that is long")
    with as_worker(allowed, "another one that is long") as worker:
        worker.execute(CLAIM)
    with pytest.raises(psycopg.OperationalError, match="password authentication"):
        as_worker(allowed).close()


def test_the_owner_is_no_role_for_workers(database_url: str):
    owner = parts_of(database_url)["user"]
    with pytest.raises(InputError, match="owns the database"):
        allow_workers(database_url, owner, PASSWORD)


def test_a_password_that_can_be_guessed_is_refused(database_url: str):
    with pytest.raises(InputError, match="has 5 characters, expected 16"):
        allow_workers(database_url, ROLE, "short")
