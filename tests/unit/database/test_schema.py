"""The schema comes in steps, each once, whoever else is at it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from ktrdr.database import Database, check_schema, schema, schema_state, upgrade
from ktrdr.database.migrations import QUEUE, Migration, known_migrations
from ktrdr.errors import DatabaseError, IncompatibleError
from tests.postgres import TestServer

pytestmark = pytest.mark.anyio

OBJECTS = """
SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
    || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END AS what
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS s ON s.oid = c.relnamespace
WHERE s.nspname = 'public' AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind = 'r'
UNION ALL
SELECT p.oid::regprocedure || ' ' || md5(regexp_replace(p.prosrc, '\\s+', '', 'g'))
FROM pg_proc AS p JOIN pg_namespace AS s ON s.oid = p.pronamespace
WHERE s.nspname = 'public'
UNION ALL
SELECT tgname || ' on ' || tgrelid::regclass FROM pg_trigger WHERE NOT tgisinternal
ORDER BY 1
"""


@pytest.fixture
async def empty(postgres_server: TestServer) -> AsyncIterator[Database]:
    with postgres_server.database(template="template0") as url:
        async with Database(url) as database:
            yield database


def know(monkeypatch: pytest.MonkeyPatch, steps: Sequence[Migration]) -> None:
    monkeypatch.setattr(schema, "known_migrations", lambda: steps)


def future(sql: str = "CREATE TABLE ktrdr.next_year (n int)") -> Migration:
    return Migration(name="0999_future", program="ktrdr 9.9.0", sql=sql)


async def objects_of(database: Database) -> list[str]:
    async with database.connection() as connection:
        cursor = await connection.execute(OBJECTS)
        return [row["what"] for row in await cursor.fetchall()]


async def test_an_empty_database_lacks_the_schema_until_it_is_upgraded(empty: Database):
    with pytest.raises(DatabaseError, match=r"has no schema .* `ktrdr db upgrade`"):
        await check_schema(empty)
    assert await upgrade(empty) == [one.name for one in known_migrations()]
    await check_schema(empty)
    assert await upgrade(empty) == []
    assert (await schema_state(empty)).version == known_migrations()[-1].name


async def test_many_upgrades_at_once_apply_each_step_once(empty: Database):
    async def other() -> list[str]:
        async with Database(empty.url, max_size=1) as database:
            return await upgrade(database)

    done = await asyncio.gather(*(other() for _ in range(4)))
    assert sorted(map(len, done)) == [0, 0, 0, len(known_migrations())]


async def test_an_upgrade_that_waits_too_long_says_for_what(
    empty: Database, monkeypatch
):
    monkeypatch.setattr(schema, "_LOCK_WAIT_S", 0.05)
    async with empty.connection() as connection:
        await connection.execute("SELECT pg_advisory_lock(%s)", [schema._LOCK])
        with pytest.raises(DatabaseError, match="another program has been upgrading"):
            await upgrade(empty)


async def test_a_newer_program_adds_its_step(database_url: str, monkeypatch):
    async with Database(database_url) as database:
        know(monkeypatch, [*known_migrations(), future()])
        with pytest.raises(DatabaseError, match="lacks 0999_future"):
            await check_schema(database)
        assert await upgrade(database) == ["0999_future"]


async def test_an_older_program_is_refused_by_a_newer_schema(
    database_url: str, monkeypatch
):
    async with Database(database_url) as database:
        with monkeypatch.context() as newer:
            know(newer, [*known_migrations(), future()])
            await upgrade(database)
        for refused in (check_schema(database), upgrade(database)):
            with pytest.raises(IncompatibleError) as caught:
                await refused
            assert "0999_future of ktrdr 9.9.0" in str(caught.value)
            assert known_migrations()[-1].name in str(caught.value)
            assert "install ktrdr 9.9.0 or newer" in str(caught.value)


async def test_an_older_queue_is_refused_by_a_newer_schema(
    database_url: str, monkeypatch
):
    async with Database(database_url) as database:
        steps = known_migrations()
        last = max(one.name for one in steps if one.is_of_queue)
        know(monkeypatch, [one for one in steps if one.name != last])
        with pytest.raises(IncompatibleError, match="of procrastinate 3"):
            await check_schema(database)


async def test_past_steps_that_the_queue_joined_are_no_harm(
    database_url: str, monkeypatch
):
    async with Database(database_url) as database:
        know(monkeypatch, known_migrations()[1:])
        await check_schema(database)


async def test_another_history_is_refused(database_url: str, monkeypatch):
    steps = list(known_migrations())
    steps[-1] = replace(steps[-1], sql=steps[-1].sql + "-- changed")
    async with Database(database_url) as database:
        know(monkeypatch, steps)
        with pytest.raises(IncompatibleError, match=f"another {steps[-1].name}"):
            await check_schema(database)


async def test_a_step_that_fails_leaves_nothing_and_the_lock_free(
    database_url: str, monkeypatch
):
    broken = future("CREATE TABLE ktrdr.half (n int); SELECT nothing_such")
    async with Database(database_url) as database:
        with monkeypatch.context() as newer:
            know(newer, [*known_migrations(), broken])
            with pytest.raises(DatabaseError, match="0999_future was refused"):
                await upgrade(database)
        await check_schema(database)
        async with database.connection() as connection:
            cursor = await connection.execute("SELECT to_regclass('ktrdr.half') AS it")
            assert await cursor.fetchone() == {"it": None}
            cursor = await connection.execute(
                "SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory'"
            )
            assert await cursor.fetchone() == {"n": 0}


async def test_the_queues_own_steps_lead_to_its_newest_schema(
    empty: Database, database_url: str
):
    first = known_migrations()[0]
    assert first.name.startswith(QUEUE)
    async with empty.connection() as connection:
        await connection.execute(schema._TABLE)
        await schema._step(connection, first.sql, [first])
    applied = await upgrade(empty)
    assert applied == [one.name for one in known_migrations()[1:]]
    async with Database(database_url) as database:
        assert await objects_of(empty) == await objects_of(database)
