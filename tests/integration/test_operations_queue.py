"""Operations done by the queue's own workers, in this process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from procrastinate import JobContext
from procrastinate.exceptions import JobAborted

from ktrdr.database import Database
from ktrdr.operations import (
    TASK,
    AttemptToken,
    Listener,
    NewOperation,
    OperationFilter,
    Operations,
    follow,
    make_app,
)
from ktrdr.schemas import OperationDocument, OperationState

pytestmark = pytest.mark.anyio

Work = Callable[[AttemptToken], Awaitable[None]]


def new(title: str = "one") -> NewOperation:
    return NewOperation(kind="probe", title=title, queue="backtest", request={})


@asynccontextmanager
async def working(url: str, work: Work, *, concurrency: int = 1) -> AsyncIterator[None]:
    """Run one of the queue's workers."""
    app = make_app(url)

    @app.task(name=TASK, pass_context=True)
    async def run(context: JobContext, operation: str, attempt: int) -> None:
        await work(AttemptToken(operation=operation, attempt=attempt))

    async with app.open_async():
        running = asyncio.create_task(
            app.run_worker_async(
                queues=["backtest"],
                concurrency=concurrency,
                install_signal_handlers=False,
                delete_jobs="always",
                # For a job that is made while the worker closes the one before.
                fetch_job_polling_interval=0.2,
                shutdown_graceful_timeout=0.0,
            )
        )
        try:
            yield
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


async def until_ended(
    operations: Operations, listener: Listener, operation: str
) -> OperationDocument:
    async with asyncio.timeout(20.0):
        async for item in follow(operations, listener, operation):
            if isinstance(item, OperationDocument) and item.state.is_final:
                return item
    raise AssertionError("following ended early")


async def test_a_parent_and_its_children_are_done_by_two_workers(database_url: str):
    async with (
        Database(database_url, max_size=8) as database,
        Listener(database) as listener,
    ):
        operations = Operations(database)

        def worker(name: str) -> Work:
            async def work(token: AttemptToken) -> None:
                await operations.claim(token, name)
                await operations.complete(token, {"by": name})

            return work

        async with (
            working(database_url, worker("a"), concurrency=3),
            working(database_url, worker("b"), concurrency=3),
        ):
            made = await operations.create(new(), [new(f"c{n}") for n in range(60)])
            parent = made.operation.id
            ended = await until_ended(operations, listener, parent)
        assert ended.state == OperationState.COMPLETED
        page = await operations.list_page(OperationFilter(parent=parent), limit=100)
        assert {child.state for child in page.items} == {OperationState.COMPLETED}
        async with database.connection() as connection:
            cursor = await connection.execute("SELECT * FROM procrastinate_jobs")
            assert await cursor.fetchall() == []


async def test_cancelling_reaches_the_worker_at_once_and_it_goes_on_when_resumed(
    database_url: str,
):
    async with (
        Database(database_url, max_size=8) as database,
        Listener(database) as listener,
    ):
        operations = Operations(database)
        begun = asyncio.Event()

        async def work(token: AttemptToken) -> None:
            document = await operations.claim(token, "w1")
            begun.set()
            if document.checkpoints:
                await operations.complete(token, {"from": document.checkpoints["net"]})
                return
            try:
                await asyncio.sleep(60.0)
            except asyncio.CancelledError:
                await operations.checkpoint(token, "net", "abc")
                await operations.let_go(token)
                raise JobAborted from None

        async with working(database_url, work):
            operation = (await operations.create(new())).operation.id
            async with asyncio.timeout(10.0):
                await begun.wait()
            asked = await operations.cancel(operation)
            assert asked.state == OperationState.CANCELLING
            async with asyncio.timeout(2.0):
                ended = await until_ended(operations, listener, operation)
            assert ended.state == OperationState.CANCELLED
            await operations.resume(operation)
            ended = await until_ended(operations, listener, operation)
        assert (ended.state, ended.attempt) == (OperationState.COMPLETED, 2)
        assert ended.result == {"from": "abc"}


async def test_what_is_rolled_back_leaves_neither_row_nor_job(
    database_url: str, monkeypatch: pytest.MonkeyPatch
):
    async def no_jobs(*_: object) -> None:
        raise RuntimeError("the server goes away here")

    monkeypatch.setattr("ktrdr.operations.create.enqueue", no_jobs)
    async with Database(database_url) as database:
        operations = Operations(database)
        with pytest.raises(RuntimeError, match="goes away"):
            await operations.create(new(), [new("child")])
        assert (
            await operations.list_page(OperationFilter(with_children=True))
        ).items == ()
