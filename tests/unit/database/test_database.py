"""The pool lends connections, and tells in words when it can't."""

import socket

import pytest
from psycopg.errors import UniqueViolation

from ktrdr.database import Database, check_schema
from ktrdr.database.address import parts_of, with_name
from ktrdr.errors import DatabaseError
from tests.postgres import TestServer

pytestmark = pytest.mark.anyio


async def test_the_fixture_has_the_whole_schema(database_url: str):
    async with Database(database_url) as database:
        await check_schema(database)


async def test_a_connection_commits_each_statement_and_gives_dicts(database_url: str):
    async with Database(database_url, application_name="ktrdr test") as database:
        async with database.connection() as connection:
            await connection.execute("CREATE TABLE t (n int)")
            await connection.execute("INSERT INTO t VALUES (1)")
        async with database.connection() as connection:
            cursor = await connection.execute(
                "SELECT n, current_setting('application_name') AS who FROM t"
            )
            assert await cursor.fetchall() == [{"n": 1, "who": "ktrdr test"}]


async def test_a_transaction_is_all_or_nothing(database_url: str):
    async with Database(database_url) as database:
        async with database.transaction() as connection:
            await connection.execute("CREATE TABLE t (n int UNIQUE)")
        with pytest.raises(UniqueViolation):
            async with database.transaction() as connection:
                await connection.execute("INSERT INTO t VALUES (1), (1)")
        async with database.connection() as connection:
            cursor = await connection.execute("SELECT n FROM t")
            assert await cursor.fetchall() == []


async def test_a_connection_that_died_is_replaced_not_lent(database_url: str):
    async with Database(database_url, max_size=1) as database:
        with pytest.raises(DatabaseError, match="does not do what was asked"):
            async with database.connection() as connection:
                await connection.execute(
                    "SELECT pg_terminate_backend(pg_backend_pid())"
                )
        async with database.connection() as connection:
            await connection.execute("SELECT 1")


async def test_one_that_died_while_nobody_looked_is_replaced(
    database_url: str, postgres_server: TestServer
):
    async with Database(database_url, max_size=1) as database:
        async with database.connection() as connection:
            pid = connection.info.backend_pid
        postgres_server.end_backend(pid)
        async with database.connection() as connection:
            assert connection.info.backend_pid != pid


async def test_who_freezes_in_a_transaction_loses_its_locks(database_url: str):
    async with Database(database_url) as database, database.connection() as connection:
        cursor = await connection.execute("SHOW idle_in_transaction_session_timeout")
        assert await cursor.fetchone() == {"idle_in_transaction_session_timeout": "30s"}


async def test_a_server_out_of_reach_is_told_with_its_place():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        url = f"postgresql://someone:hunter2@127.0.0.1:{port}/things"
        with pytest.raises(DatabaseError) as caught:
            async with Database(url):
                pass
    assert f"127.0.0.1:{port}/things" in str(caught.value)
    assert "hunter2" not in str(caught.value)


async def test_a_wrong_password_is_told_but_not_repeated(database_url: str):
    password = parts_of(database_url)["password"]
    with pytest.raises(DatabaseError, match="password authentication failed") as caught:
        async with Database(database_url.replace(password, "hunter2")):
            pass
    assert "hunter2" not in str(caught.value)


async def test_a_database_that_is_not_there_is_told(database_url: str):
    with pytest.raises(DatabaseError, match='"nowhere" does not exist'):
        async with Database(with_name(database_url, "nowhere")):
            pass
