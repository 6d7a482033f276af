"""Who works, and how much there is to do."""

import pytest

from ktrdr.database import Database
from ktrdr.operations import (
    NewWorker,
    Operations,
    QueueDepth,
    StateCount,
    WorkerRegistry,
)
from tests.unit.operations.queue import PASSING, Queue, new

pytestmark = pytest.mark.anyio

WORKER = NewWorker(
    name="w1",
    kind="training",
    device="cuda",
    queues=["training-gpu", "training-cpu"],
    concurrency=2,
    host="here",
    pid=11,
    port=5002,
    build={"version": "1"},
)


@pytest.fixture
async def registry(database: Database) -> WorkerRegistry:
    return WorkerRegistry(database)


async def test_a_worker_is_listed_with_what_it_runs(
    registry: WorkerRegistry, operations: Operations, queue: Queue
):
    await registry.register(WORKER)
    await registry.set_state("w1", 11, "ready")
    ids = [(await operations.create(new(str(n)))).operation.id for n in range(3)]
    for _ in ids[:2]:
        await queue.begin(operations, "w1")
    (worker,) = await registry.list()
    assert (worker.name, worker.state, worker.queues) == (
        "w1",
        "ready",
        ("training-gpu", "training-cpu"),
    )
    assert (worker.pid, worker.port, worker.build) == (11, 5002, {"version": "1"})
    assert worker.running == tuple(ids[:2])


async def test_a_name_belongs_to_who_registered_last(registry: WorkerRegistry):
    await registry.register(WORKER)
    successor = NewWorker(**{**vars(WORKER), "pid": 12})
    await registry.register(successor)
    assert not await registry.heartbeat("w1", 11)
    assert not await registry.set_state("w1", 11, "stopped")
    assert await registry.heartbeat("w1", 12)
    assert await registry.set_state("w1", 12, "refused", "another build")
    (worker,) = await registry.list()
    assert (worker.state, worker.reason) == ("refused", "another build")
    assert not await registry.heartbeat("unknown", 12)


async def test_workers_silent_for_long_are_forgotten(
    registry: WorkerRegistry, queue: Queue
):
    await registry.register(WORKER)
    assert await registry.prune(older_than_days=1.0) == 0
    await queue.run("UPDATE ktrdr.workers SET heartbeat_at = now() - interval '2 days'")
    assert await registry.prune(older_than_days=1.0) == 1
    assert await registry.list() == []


async def test_the_sweep_forgets_workers_silent_for_a_day(
    registry: WorkerRegistry, database: Database, queue: Queue, monkeypatch
):
    await registry.register(WORKER)
    await registry.register(NewWorker(**{**vars(WORKER), "name": "w2"}))
    await queue.run(
        "UPDATE ktrdr.workers SET heartbeat_at = now() - interval '25 hours' "
        "WHERE name = 'w1'"
    )
    operations = Operations(database)
    await operations.sweep(30.0)
    assert [worker.name for worker in await registry.list()] == ["w1", "w2"]
    monkeypatch.setattr("ktrdr.operations.operations._PRUNE_EVERY_S", 0.0)
    await Operations(database).sweep(30.0)
    assert [worker.name for worker in await registry.list()] == ["w2"]


async def test_a_refused_worker_counts_while_it_tries_again(
    registry: WorkerRegistry, operations: Operations, queue: Queue
):
    await registry.register(WORKER)
    await registry.set_state("w1", 11, "refused", "another build")
    refused = StateCount(kind="training", state="refused", n=1)
    assert (await operations.metrics()).workers == (refused,)
    await queue.run("UPDATE ktrdr.workers SET heartbeat_at = now() - interval '1 hour'")
    assert (await operations.metrics()).workers == ()


async def test_the_backends_build_is_the_latest(registry: WorkerRegistry):
    assert await registry.backend_build() is None
    await registry.announce_backend({"version": "1"})
    await registry.announce_backend({"version": "2"})
    assert await registry.backend_build() == {"version": "2"}


async def test_metrics_count_what_there_is(
    registry: WorkerRegistry, operations: Operations, queue: Queue
):
    await registry.register(WORKER)
    for n in range(3):
        await operations.create(new(str(n)))
    await operations.create(new(kind="training", queue="training-cpu"))
    _, token = await queue.begin(operations)
    await operations.complete(token, {})
    _, token = await queue.begin(operations)
    await operations.fail(token, PASSING)
    await queue.run("UPDATE procrastinate_events SET at = at - interval '100 seconds'")

    metrics = await operations.metrics()
    assert metrics.operations == (
        StateCount(kind="probe", state="completed", n=1),
        StateCount(kind="probe", state="pending", n=2),
        StateCount(kind="training", state="pending", n=1),
    )
    assert metrics.workers == (StateCount(kind="training", state="starting", n=1),)
    backtest, training = metrics.queues
    assert (backtest.queue, backtest.n) == ("backtest", 2)
    assert backtest.oldest_s == pytest.approx(100.0, abs=20.0)
    assert isinstance(training, QueueDepth)


async def test_a_job_that_is_put_off_does_not_wait_yet(
    operations: Operations, queue: Queue
):
    await operations.create(new())
    _, token = await queue.begin(operations)
    await operations.fail(token, PASSING)
    (depth,) = (await operations.metrics()).queues
    assert (depth.n, depth.oldest_s) == (1, 0.0)
