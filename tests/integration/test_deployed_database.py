"""A deployed database is saved and put back by its own programs, on a real server."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ktrdr.cli.kinfra.compose import Container
from ktrdr.cli.kinfra.deploy.database import DeployedDatabase, Saved
from ktrdr.cli.kinfra.images.engine import Done, EngineError
from ktrdr.database import Database
from ktrdr.database.address import parts_of
from ktrdr.database.embedded import programs_folder
from ktrdr.errors import ConflictError, DatabaseError, NotFoundError
from ktrdr.operations import NewOperation, Operations
from tests.postgres import TestServer
from tests.unit.cli.kinfra.deploy.world import World

OPERATION = """
INSERT INTO ktrdr.operations
    (id, kind, title, queue, state, request, max_failures, created_by, request_digest)
VALUES (%s, 'probe', 'x', 'backtest', 'pending', '{}', 5, 'me', 'x')
"""
MIGRATION = """
CREATE TABLE ktrdr.planted (id text REFERENCES ktrdr.operations);
ALTER TABLE ktrdr.operations DROP COLUMN title;
CREATE SCHEMA planted;
CREATE TABLE public.planted (n int);
"""


class Here(World):
    """A project whose database's programs run on this machine."""

    def __init__(self, url: str) -> None:
        super().__init__([], {})
        self._parts = parts_of(url)

    def containers(self, service: str) -> tuple[Container, ...]:
        names = {"POSTGRES_USER": "user", "POSTGRES_DB": "dbname"}
        return (
            Container(
                identifier=service,
                name=service,
                service="",
                image="",
                reference="",
                state="running",
                health="healthy",
                restarts=0,
                is_job=False,
                exit_code=0,
                variables={key: self._parts[part] for key, part in names.items()},
            ),
        )

    def ask(self, container: str, *command: str, stdin: str = "") -> Done:
        done = self._call(command, input=stdin.encode(), capture_output=True)
        return Done(
            code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode()
        )

    def pour(
        self,
        container: str,
        *command: str,
        source: Path | None = None,
        target: Path | None = None,
    ) -> None:
        with (
            open(source or os.devnull, "rb") as given,
            open(target or os.devnull, "wb") as taken,
        ):
            done = self._call(
                command, stdin=given, stdout=taken, stderr=subprocess.PIPE
            )
        if done.returncode:
            raise EngineError(done.stderr.decode())

    def _call(self, command: tuple[str, ...], **streams):
        environment = {
            **os.environ,
            "PGHOST": self._parts["host"],
            "PGPORT": str(self._parts["port"]),
            "PGPASSWORD": self._parts["password"],
        }
        program = str(programs_folder() / command[0])
        return subprocess.run([program, *command[1:]], env=environment, **streams)


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    """Lend a connection like those of workers while somebody deploys."""
    with psycopg.connect(database_url, autocommit=True) as lent:
        lent.execute(OPERATION, ["first"])
        yield lent


@pytest.fixture
def database(database_url: str) -> DeployedDatabase:
    return DeployedDatabase(Here(database_url), "database")


def operations(connection: psycopg.Connection) -> list[str]:
    rows = connection.execute("SELECT id FROM ktrdr.operations ORDER BY seq")
    return [row[0] for row in rows]


def exists(connection: psycopg.Connection, name: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [name]).fetchone()
    return row is not None and bool(row[0])


def test_a_restore_undoes_a_migration_while_others_are_connected(
    connection, database, database_url, tmp_path
):
    saved = database.back_up(tmp_path / "backups" / "x.dump")
    assert saved == Saved(path=tmp_path / "backups" / "x.dump", last=1)
    connection.execute(MIGRATION)
    database.restore(saved)
    with psycopg.connect(database_url, autocommit=True) as anew:
        assert operations(anew) == ["first"]
        assert not exists(anew, "ktrdr.planted")
        assert not exists(anew, "public.planted")
        assert exists(anew, "ktrdr.procrastinate_jobs")
        anew.execute(OPERATION, ["second"])
    assert database.newer_operations(saved) == 1


def test_who_was_connected_has_to_connect_again(connection, database, tmp_path):
    database.restore(database.back_up(tmp_path / "x.dump"))
    # Else it would go on with plans for tables that are gone, for ever.
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")


def test_a_restore_waits_for_nobody_who_is_gone(connection, database, tmp_path):
    saved = database.back_up(tmp_path / "x.dump")
    # As a migration whose container was removed while its statement holds locks.
    connection.autocommit = False
    connection.execute("LOCK TABLE ktrdr.operations")
    database.restore(saved)
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")


TOKEN = """
INSERT INTO ktrdr.tokens (id, name, role, secret_hash) VALUES (%s, %s, 'admin', %s)
"""
SESSION = """
INSERT INTO ktrdr.sessions (secret_hash, token_id, expires_at)
VALUES (%s, %s, now() + interval '1 day')
"""


def test_tokens_that_were_revoked_stay_so_and_those_made_since_are_there(
    connection, database, database_url, tmp_path
):
    for name in ("lost", "kept"):
        connection.execute(TOKEN, [name, name, name.encode()])
    connection.execute(SESSION, [b"left", "kept"])
    saved = database.back_up(tmp_path / "x.dump")
    connection.execute("UPDATE ktrdr.tokens SET revoked_at = now() WHERE id = 'lost'")
    connection.execute("DELETE FROM ktrdr.sessions")
    connection.execute(TOKEN, ["new", "new", b"new"])
    connection.execute(SESSION, [b"came", "new"])
    connection.execute(MIGRATION)
    database.restore(saved)
    with psycopg.connect(database_url) as anew:
        valid = anew.execute(
            "SELECT id FROM ktrdr.tokens WHERE revoked_at IS NULL ORDER BY id"
        )
        assert valid.fetchall() == [("kept",), ("new",)]
        sessions = anew.execute("SELECT secret_hash FROM ktrdr.sessions")
        assert sessions.fetchall() == [(b"came",)]


@pytest.mark.anyio
async def test_what_was_cancelled_stays_so(database, database_url, tmp_path):
    new = NewOperation(kind="probe", title="x", queue="backtest", request={})
    async with Database(database_url) as before:
        made = [(await Operations(before).create(new)).operation.id for _ in range(2)]
        saved = database.back_up(tmp_path / "x.dump")
        await Operations(before).cancel(made[0])
    database.restore(saved)
    async with Database(database_url) as after:
        one = Operations(after)
        assert [(await one.get(each)).state for each in made] == [
            "cancelling",
            "pending",
        ]
        # Nobody works on it, so the backend's next look ends it.
        assert await one.sweep(0) == [made[0]]
        assert (await one.get(made[0])).state == "cancelled"


@pytest.mark.anyio
async def test_what_was_resumed_goes_on_until_it_is_cancelled_again(
    database, database_url, tmp_path
):
    new = NewOperation(kind="probe", title="x", queue="backtest", request={})
    async with Database(database_url) as before:
        one = Operations(before)
        made = (await one.create(new)).operation.id
        await one.cancel(made)
        cancelled = database.back_up(tmp_path / "cancelled.dump")
        await one.resume(made)
        resumed = database.back_up(tmp_path / "resumed.dump")
    database.restore(cancelled)
    database.restore(resumed)
    assert await state_in(database_url, made) == "pending"
    running = database.back_up(tmp_path / "running.dump")
    database.restore(cancelled)
    async with Database(database_url) as anew:
        await Operations(anew).resume(made)
        await Operations(anew).cancel(made)
    database.restore(running)
    assert await state_in(database_url, made) == "cancelling"


@pytest.mark.anyio
async def test_a_later_cancel_counts_though_attempts_went_further(
    connection, database, database_url, tmp_path
):
    earlier = database.back_up(tmp_path / "earlier.dump")
    # As when a worker handed it back.
    connection.execute("UPDATE ktrdr.operations SET attempt = 2")
    later = database.back_up(tmp_path / "later.dump")
    database.restore(earlier)
    async with Database(database_url) as anew:
        await Operations(anew).cancel("first")
    database.restore(later)
    assert await state_in(database_url, "first") == "cancelling"


async def state_in(url: str, operation: str) -> str:
    async with Database(url) as database:
        return (await Operations(database).get(operation)).state


def test_operations_made_since_a_restore_are_newer_than_any_backup(
    connection, database, database_url, tmp_path
):
    first = database.back_up(tmp_path / "first.dump")
    connection.execute(OPERATION, ["second"])
    second = database.back_up(tmp_path / "second.dump")
    database.restore(first, loses=True)
    # Nor does a restore without any of them forget it.
    database.restore(first)
    with psycopg.connect(database_url, autocommit=True) as anew:
        anew.execute(OPERATION, ["third"])
    assert database.newer_operations(second) == 1
    with pytest.raises(ConflictError, match="1 operations were made since"):
        database.restore(second)


def test_numbers_go_on_where_no_operation_was_ever_made(
    database, database_url, tmp_path
):
    saved = database.back_up(tmp_path / "x.dump")
    database.restore(saved)
    with psycopg.connect(database_url, autocommit=True) as anew:
        anew.execute(OPERATION, ["first"])
    assert database.last_operation() == 1


def test_operations_made_since_are_lost_only_if_that_is_said(
    connection, database, database_url, tmp_path
):
    saved = database.back_up(tmp_path / "x.dump")
    connection.execute(OPERATION, ["second"])
    with pytest.raises(ConflictError, match="1 operations were made since"):
        database.restore(saved)
    with psycopg.connect(database_url) as anew:
        assert operations(anew) == ["first", "second"]
    database.restore(saved, loses=True)
    with psycopg.connect(database_url) as anew:
        assert operations(anew) == ["first"]


def test_a_restore_keeps_what_roles_may_do(database, database_url, tmp_path):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE remote_worker")
        connection.execute("GRANT USAGE ON SCHEMA ktrdr TO remote_worker")
        connection.execute("GRANT SELECT ON ktrdr.operations TO remote_worker")
    database.restore(database.back_up(tmp_path / "x.dump"))
    with psycopg.connect(database_url, autocommit=True) as connection:
        row = connection.execute(
            "SELECT has_table_privilege('remote_worker', 'ktrdr.operations', 'SELECT')"
            " AND has_schema_privilege('remote_worker', 'ktrdr', 'USAGE')"
        ).fetchone()
        connection.execute("DROP OWNED BY remote_worker")
        connection.execute("DROP ROLE remote_worker")
    assert row == (True,)


def test_a_backup_that_can_not_be_loaded_changes_nothing(
    connection, database, database_url, tmp_path
):
    saved = database.back_up(tmp_path / "x.dump")
    whole = saved.path.read_bytes()
    saved.path.write_bytes(whole[: len(whole) // 4])
    connection.execute(OPERATION, ["second"])
    with pytest.raises(EngineError):
        database.restore(saved, loses=True)
    with psycopg.connect(database_url) as anew:
        assert operations(anew) == ["first", "second"]
    assert list(tmp_path.iterdir()) == [saved.path]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_restore_that_is_cut_off_changes_nothing(
    connection, database_url, tmp_path, share
):
    class Cut(Here):
        def pour(self, container, *command, source=None, target=None):
            # As psql sees it when the program that feeds it dies.
            if command[0] == "psql":
                statements = source.read_bytes()
                end = statements.rindex(b";\n\n\n", 0, int(len(statements) * share))
                source.write_bytes(statements[: end + 2])
            super().pour(container, *command, source=source, target=target)

    database = DeployedDatabase(Cut(database_url), "database")
    saved = database.back_up(tmp_path / "x.dump")
    connection.execute(MIGRATION)
    connection.execute("INSERT INTO public.planted VALUES (7)")
    with pytest.raises(EngineError, match="nothing has changed"):
        database.restore(saved)
    with psycopg.connect(database_url) as anew:
        assert operations(anew) == ["first"]
        assert exists(anew, "public.planted")
        row = anew.execute("SELECT count(*) FROM ktrdr.migrations").fetchone()
    assert row is not None
    assert row[0] > 0
    assert list(tmp_path.iterdir()) == [saved.path]


def test_what_a_killed_restore_left_does_not_stay(database, tmp_path):
    saved = database.back_up(tmp_path / "x.dump")
    (tmp_path / "restoring").mkdir()
    (tmp_path / "restoring" / "statements.sql").write_text("tokens")
    database.restore(saved)
    assert list(tmp_path.iterdir()) == [saved.path]


def test_statements_that_fail_leave_all_as_it_was(
    connection, database, database_url, tmp_path
):
    # As if a role were missing that owns something.
    connection.execute("CREATE ROLE owner_for_now")
    connection.execute("CREATE TABLE ktrdr.owned (n int)")
    connection.execute("ALTER TABLE ktrdr.owned OWNER TO owner_for_now")
    other = database.back_up(tmp_path / "y.dump")
    connection.execute("DROP TABLE ktrdr.owned")
    connection.execute("DROP ROLE owner_for_now")
    with pytest.raises(EngineError, match="owner_for_now"):
        database.restore(other)
    with psycopg.connect(database_url) as anew:
        assert operations(anew) == ["first"]


def test_a_backup_is_private_whole_and_never_written_over(database, tmp_path):
    saved = database.back_up(tmp_path / "x.dump")
    assert saved.path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConflictError, match="exists"):
        database.back_up(saved.path)


def test_an_operation_in_an_empty_history_is_newer_than_none(
    database, database_url, tmp_path
):
    saved = database.back_up(tmp_path / "x.dump")
    assert saved.last == 0
    assert database.newer_operations(saved) == 0
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(OPERATION, ["first"])
    assert database.newer_operations(saved) == 1


def test_a_file_that_is_gone_is_told(database, tmp_path):
    with pytest.raises(NotFoundError, match="no backup"):
        database.restore(Saved(path=tmp_path / "gone", last=0))


def test_a_dump_that_fails_leaves_no_file(postgres_server: TestServer, tmp_path):
    gone = DeployedDatabase(Here(postgres_server.url_of("not_there")), "database")
    with pytest.raises(DatabaseError, match="did not answer"):
        gone.back_up(tmp_path / "x.dump")
    assert list(tmp_path.iterdir()) == []
