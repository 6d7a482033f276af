"""Hearing of what happens, at once and to the end."""

import asyncio
from contextlib import aclosing

import pytest

from ktrdr.database import Database
from ktrdr.errors import DatabaseError, NotFoundError
from ktrdr.operations import AttemptToken, Listener, Operations, follow
from ktrdr.schemas import EventDocument, OperationDocument, ProgressDocument
from tests.unit.operations.queue import Queue, new

pytestmark = pytest.mark.anyio


def told(item: EventDocument | OperationDocument) -> tuple[object, object]:
    if isinstance(item, OperationDocument):
        done = item.progress.done if item.progress else None
        return (item.state.value, done)
    return (item.type, item.data.get("state", item.data))


def progress(done: int) -> ProgressDocument:
    return ProgressDocument(phase="fit", done=done, at="2026-01-01T00:00:00Z")


async def test_a_follower_hears_all_of_it_in_order(
    database: Database, operations: Operations, queue: Queue
):
    operation = (await operations.create(new())).operation.id
    heard: list[object] = []
    caught_up = asyncio.Event()

    async def listen() -> None:
        async with Listener(database) as listener:
            async for item in follow(operations, listener, operation):
                heard.append(told(item))
                caught_up.set()

    async def hear(what: object) -> None:
        async with asyncio.timeout(5.0):
            while what not in heard:
                caught_up.clear()
                await caught_up.wait()

    listening = asyncio.create_task(listen())
    await hear(("pending", None))
    _, token = await queue.begin(operations)
    await hear(("running", None))
    await operations.heartbeat(token, progress(1))
    await hear(("running", 1))
    # Nobody is told of a mere sign of life.
    await operations.heartbeat(token)
    await operations.record(token, "note", {"message": "hi"})
    await hear(("note", {"message": "hi"}))
    await operations.complete(token, {})
    await asyncio.wait_for(listening, 5.0)
    assert heard == [
        ("state", "pending"),
        ("pending", None),
        ("state", "running"),
        ("running", None),
        ("running", 1),
        ("note", {"message": "hi"}),
        ("state", "completed"),
        ("completed", 1),
    ]


async def test_one_who_comes_late_hears_the_rest(
    database: Database, operations: Operations, queue: Queue
):
    operation = (await operations.create(new())).operation.id
    _, token = await queue.begin(operations)
    await operations.complete(token, {})
    first = (await operations.events(operation))[0].id
    async with Listener(database) as listener:
        heard = [
            told(item)
            async for item in follow(operations, listener, operation, after=first)
        ]
        with pytest.raises(NotFoundError):
            await anext(follow(operations, listener, "nothere"))
    assert heard == [
        ("state", "running"),
        ("state", "completed"),
        ("completed", None),
    ]


async def test_one_connection_wakes_those_who_wait_for_an_operation_only(
    database: Database, operations: Operations, queue: Queue
):
    one = (await operations.create(new())).operation.id
    other = (await operations.create(new())).operation.id
    async with Listener(database) as listener:
        waiting = [
            asyncio.create_task(listener.wait(operation, timeout_s))
            for operation, timeout_s in ((one, 5.0), (one, 5.0), (other, 0.3))
        ]
        await asyncio.sleep(0.05)
        await operations.cancel(one)
        assert await asyncio.gather(*waiting) == [True, True, False]
        rows = await queue.run(
            "SELECT count(*) AS n FROM pg_stat_activity "
            "WHERE application_name = 'ktrdr-listener' "
            "AND datname = current_database()"
        )
        assert rows[0]["n"] == 1


async def test_a_lost_connection_is_made_again_and_nothing_is_missed(
    database: Database, operations: Operations, queue: Queue
):
    operation = (await operations.create(new())).operation.id
    async with Listener(database) as listener:
        async with aclosing(follow(operations, listener, operation)) as following:
            assert [told(await anext(following)) for _ in range(2)][1][0] == "pending"
            await queue.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'ktrdr-listener' "
                "AND datname = current_database()"
            )
            await operations.cancel(operation)
            async with asyncio.timeout(5.0):
                rest = [told(item) async for item in following]
        assert rest == [("state", "cancelled"), ("cancelled", None)]
        # Notifications come through the new connection as before.
        again = (await operations.create(new())).operation.id
        waiting = asyncio.create_task(listener.wait(again, 5.0))
        await asyncio.sleep(0.05)
        await operations.cancel(again)
        assert await waiting


async def test_a_parents_progress_is_told(
    database: Database, operations: Operations, queue: Queue
):
    parent = (await operations.create(new(), [new("a"), new("b")])).operation.id
    async with Listener(database) as listener:
        async with aclosing(follow(operations, listener, parent)) as following:
            async with asyncio.timeout(5.0):
                heard = [told(await anext(following)) for _ in range(2)]
                _, token = await queue.begin(operations)
                heard += [told(await anext(following)) for _ in range(2)]
                await operations.complete(token, {})
                heard.append(told(await anext(following)))
    assert heard[1:] == [
        ("pending", 0),
        ("state", "running"),
        ("running", 0),
        ("running", 1),
    ]


async def test_without_a_server_nobody_listens():
    database = Database("postgresql://nobody:secret@127.0.0.1:1/none")
    with pytest.raises(DatabaseError, match=r"127\.0\.0\.1:1/none") as refused:
        async with Listener(database):
            pass
    assert "secret" not in str(refused.value)


async def test_writes_tell_the_token(operations: Operations):
    assert str(AttemptToken(operation="abc", attempt=2)) == "attempt 2 of operation abc"
