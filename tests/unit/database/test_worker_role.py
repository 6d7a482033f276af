"""Workers get a role of their own, with no more rights than they use."""

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from ktrdr.database import allow_workers
from ktrdr.database.address import parts_of
from ktrdr.database.worker_role import READ, WITHHELD, WRITTEN
from ktrdr.errors import InputError

ROLE = "some_worker"
PASSWORD = "long enough, with a 'quote'"
TABLES = (
    "SELECT tablename FROM pg_tables WHERE schemaname = 'ktrdr' "
    "AND tablename NOT LIKE 'procrastinate%'"
)
CLAIM = "UPDATE ktrdr.operations SET worker = 'x' WHERE false"


@pytest.fixture
def allowed(database_url: str):
    allow_workers(database_url, ROLE, PASSWORD)
    yield database_url
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(f"DROP OWNED BY {ROLE}")
        owner.execute(f"DROP ROLE {ROLE}")


def as_worker(url: str, password: str = PASSWORD) -> psycopg.Connection:
    parts = {**parts_of(url), "user": ROLE, "password": password}
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
