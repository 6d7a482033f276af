"""The sweep: what nobody works on any more is found, once, by whoever looks."""

import asyncio

import pytest

from ktrdr.database import Database
from ktrdr.errors import AttemptSuperseded
from ktrdr.operations import AttemptToken, NewWorker, Operations, WorkerRegistry
from ktrdr.operations.queue import make_app
from ktrdr.schemas import OperationState
from tests.unit.operations.queue import SILENT_S, Queue, new

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("_old_server")]


async def test_who_is_heard_of_keeps_the_operation(
    operations: Operations, queue: Queue
):
    operation = (await operations.create(new())).operation.id
    await operations.create(new("waits"))
    _, token = await queue.begin(operations)
    await queue.age(operation)
    await operations.heartbeat(token)
    assert await operations.sweep(SILENT_S) == []
    assert (await operations.get(operation)).attempt == 1


async def test_a_lost_workers_operation_gets_a_new_attempt(
    operations: Operations, queue: Queue
):
    operation = (await operations.create(new())).operation.id
    fetched, token = await queue.begin(operations)
    await operations.checkpoint(token, "net", "abc")
    await queue.age(operation)
    assert await operations.sweep(SILENT_S) == [operation]
    assert await operations.sweep(SILENT_S) == []

    detail = await operations.get(operation)
    assert (detail.state, detail.attempt, detail.failures) == ("pending", 2, 1)
    assert detail.checkpoints == {"net": "abc"}
    assert detail.attempts[0].outcome == "lost"
    assert detail.attempts[0].error is not None
    assert detail.attempts[0].error.code == "worker_lost"
    assert await queue.status_of(fetched.job) == "failed"
    assert await queue.live_jobs(operation) == [2]
    # It only slept: what it writes now is refused.
    for late in (operations.heartbeat(token), operations.complete(token, {})):
        with pytest.raises(AttemptSuperseded, match="attempt 2 is current and pending"):
            await late


async def test_lost_too_often_it_is_given_up(operations: Operations, queue: Queue):
    operation = (await operations.create(new(max_failures=2))).operation.id
    for _ in range(2):
        await queue.begin(operations)
        await queue.age(operation)
        assert await operations.sweep(SILENT_S) == [operation]
    detail = await operations.get(operation)
    assert (detail.state, detail.failures) == (OperationState.DEAD_LETTER, 2)
    assert detail.error is not None
    assert "worker w1 has not been heard of since" in detail.error.message
    assert await queue.live_jobs(operation) == []


async def test_lost_while_it_was_being_cancelled_it_is_cancelled(
    operations: Operations, queue: Queue
):
    operation = (await operations.create(new())).operation.id
    fetched, _ = await queue.begin(operations)
    await operations.cancel(operation)
    await queue.age(operation)
    assert await operations.sweep(SILENT_S) == [operation]
    assert (await operations.get(operation)).state == OperationState.CANCELLED
    assert await queue.status_of(fetched.job) == "failed"


async def test_fetched_and_never_claimed_is_no_failure(
    operations: Operations, queue: Queue
):
    operation = (await operations.create(new(max_failures=1))).operation.id
    fetched = await queue.take()
    assert await operations.sweep(SILENT_S) == []
    await queue.age(operation)
    assert await operations.sweep(SILENT_S) == [operation]
    detail = await operations.get(operation)
    assert (detail.state, detail.attempt, detail.failures) == ("pending", 2, 0)
    assert await queue.status_of(fetched.job) == "failed"
    with pytest.raises(AttemptSuperseded):
        await operations.claim(fetched.token, "late")


async def test_fetched_by_a_living_worker_that_forgot_it(
    operations: Operations, queue: Queue
):
    """Its claim was lost with the database, and so was the end of its job."""
    operation = (await operations.create(new())).operation.id
    await queue.take()
    await queue.run("UPDATE procrastinate_events SET at = at - interval '1 hour'")
    assert await operations.sweep(SILENT_S) == [operation]
    assert await queue.live_jobs(operation) == [2]


async def test_claimed_by_a_living_worker_that_forgot_it(
    operations: Operations, queue: Queue
):
    """Its own heartbeat decides, not that of the process."""
    operation = (await operations.create(new())).operation.id
    await queue.begin(operations)
    await queue.age(operation)
    await queue.run("UPDATE procrastinate_workers SET last_heartbeat = now()")
    assert await operations.sweep(SILENT_S) == [operation]


@pytest.mark.parametrize("status", ["succeeded", "failed", "aborted"])
@pytest.mark.parametrize("is_claimed", [True, False])
async def test_an_operation_without_a_job_gets_one(
    status: str, is_claimed: bool, operations: Operations, queue: Queue
):
    operation = (await operations.create(new())).operation.id
    fetched = await queue.take()
    if is_claimed:
        await operations.claim(fetched.token, "w1")
    await queue.finish(fetched.job, status)
    assert await operations.sweep(SILENT_S) == []
    await queue.age(operation)
    assert await operations.sweep(SILENT_S) == [operation]
    assert (await operations.get(operation)).failures == int(is_claimed)
    assert await queue.live_jobs(operation) == [2]


async def test_even_one_whose_job_was_deleted(operations: Operations, queue: Queue):
    operation = (await operations.create(new())).operation.id
    await queue.run("DELETE FROM procrastinate_jobs")
    await queue.age(operation)
    assert await operations.sweep(SILENT_S) == [operation]
    assert await queue.live_jobs(operation) == [2]


async def test_a_parent_without_open_children_and_without_a_job_gets_one(
    operations: Operations, queue: Queue
):
    parent = (await operations.create(new(), [new("child")])).operation.id
    await queue.age(parent)
    assert await operations.sweep(SILENT_S) == [], "its child is open"
    _, token = await queue.begin(operations)
    await operations.complete(token, {})
    fetched = await queue.take()
    await queue.finish(fetched.job, "aborted")
    await queue.age(parent)
    assert await operations.sweep(SILENT_S) == [parent]
    assert await queue.live_jobs(parent) == [2]


async def test_a_lost_child_counts_when_it_is_given_up(
    operations: Operations, queue: Queue
):
    children = [new("child", max_failures=1)]
    parent = (await operations.create(new(), children)).operation.id
    _, token = await queue.begin(operations)
    await queue.age(token.operation)
    await operations.sweep(SILENT_S)
    document = await operations.get(parent)
    assert (document.state, document.n_open_children) == (OperationState.FAILED, 0)


async def test_jobs_that_nobody_needs_are_closed(operations: Operations, queue: Queue):
    ended = (await operations.create(new("ended"))).operation.id
    moved = (await operations.create(new("moved"))).operation.id
    first, token = await queue.begin(operations)
    await operations.complete(token, {})
    second, token = await queue.begin(operations)
    await operations.hand_back(token, "its worker is stopping, and dies now")
    await queue.age(ended, moved)
    assert await operations.sweep(SILENT_S) == []
    assert await queue.status_of(first.job) == "failed"
    assert await queue.status_of(second.job) == "failed"
    assert (await operations.get(ended)).state == OperationState.COMPLETED
    assert await queue.live_jobs(moved) == [2]


async def test_other_tasks_jobs_are_left_alone(operations: Operations, queue: Queue):
    rows = await queue.run(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, status) "
        "VALUES ('x', 'another', 'doing') RETURNING id"
    )
    await operations.sweep(SILENT_S)
    assert await queue.status_of(rows[0]["id"]) == "doing"


async def test_four_sweepers_and_sixty_stalled_jobs_make_sixty_attempts(
    database: Database, database_url: str, queue: Queue
):
    operations = Operations(database)
    ids = [(await operations.create(new(str(n)))).operation.id for n in range(60)]
    worker = await queue.worker()
    tokens = [(await queue.take(worker)).token for _ in ids]
    for token in tokens:
        await operations.claim(token, "w1")
    await queue.age(*ids)
    app = make_app(database_url)
    async with app.open_async():
        stalled = app.job_manager.get_stalled_jobs
        assert len(list(await stalled(seconds_since_heartbeat=SILENT_S))) == 60

        swept = await asyncio.gather(
            *(Operations(database).sweep(SILENT_S) for _ in range(4)),
            # Some wake up just then: one of the two wins, never both.
            *(operations.complete(token, {}) for token in tokens[:20]),
            return_exceptions=True,
        )
        # The jobs of those that woke up and ended are left; the next sweep closes them.
        assert await operations.sweep(SILENT_S) == []
        assert list(await stalled(seconds_since_heartbeat=SILENT_S)) == []
    rescued = [one for ids in swept[:4] if isinstance(ids, list) for one in ids]
    woken = sum(answer is None for answer in swept[4:])
    assert len(rescued) == len(set(rescued)) == 60 - woken
    assert all(a is None or isinstance(a, AttemptSuperseded) for a in swept[4:])
    rows = await queue.run(
        "SELECT count(*) AS n, count(DISTINCT args ->> 'operation') AS operations "
        "FROM procrastinate_jobs WHERE status = 'todo'"
    )
    assert rows[0] == {"n": 60 - woken, "operations": 60 - woken}
    for one in ids:
        detail = await operations.get(one)
        expected = (2, "pending") if one in rescued else (1, "completed")
        assert (detail.attempt, detail.state) == expected


async def test_silence_while_the_server_was_away_says_nothing(
    operations: Operations, queue: Queue
):
    operation = (await operations.create(new())).operation.id
    await queue.begin(operations)
    await queue.age(operation)
    # Half an hour of silence, of which the server was there for minutes at most.
    assert await operations.sweep(1800.0) == []
    assert await operations.sweep(SILENT_S) == [operation]


async def test_silent_workers_are_noted_as_lost(database: Database, queue: Queue):
    registry = WorkerRegistry(database)
    for name, state in (("a", "ready"), ("b", "stopped"), ("c", "draining")):
        await registry.register(
            NewWorker(
                name=name,
                kind="backtest",
                device="cpu",
                queues=["backtest"],
                concurrency=1,
                host="here",
                pid=1,
                port=None,
                build={},
                state=state,  # type: ignore[arg-type]
            )
        )
    await queue.run(
        "UPDATE ktrdr.workers SET heartbeat_at = now() - interval '1 hour' "
        "WHERE name <> 'c'"
    )
    await Operations(database).sweep(SILENT_S)
    states = {worker.name: worker.state for worker in await registry.list()}
    assert states == {"a": "lost", "b": "stopped", "c": "draining"}
    assert await registry.heartbeat("a", 1)
    assert (await registry.list())[0].state == "ready"


async def test_closed_jobs_are_deleted_after_a_while(
    operations: Operations, queue: Queue
):
    for n in range(3):
        await operations.create(new(str(n)))
    old, new_one, _ = [await queue.take() for _ in range(3)]
    await queue.finish(old.job)
    await queue.finish(new_one.job)
    await queue.run(
        "UPDATE procrastinate_events SET at = at - interval '2 days' "
        "WHERE job_id <> %(id)s",
        id=new_one.job,
    )
    assert await operations.prune(older_than_days=1.0) == 1
    rows = await queue.run("SELECT status::text FROM procrastinate_jobs ORDER BY id")
    assert [row["status"] for row in rows] == ["succeeded", "doing"]


async def test_a_token_of_an_operation_that_never_was_is_refused(
    operations: Operations,
):
    token = AttemptToken(operation="nothere", attempt=1)
    for act in (operations.heartbeat(token), operations.hand_back(token, "why")):
        with pytest.raises(AttemptSuperseded, match="was deleted"):
            await act
