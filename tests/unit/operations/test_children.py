"""Operations that are made of others."""

import asyncio
import random

import pytest

from ktrdr.errors import ConflictError
from ktrdr.operations import AttemptToken, OperationFilter, Operations
from ktrdr.schemas import OperationDocument, OperationState
from tests.unit.operations.queue import BROKEN, PASSING, Queue, new

pytestmark = pytest.mark.anyio


async def make(operations: Operations, n: int, **changes) -> str:
    """Make a parent of n children and return its id."""
    children = [new(f"c{i}", **changes) for i in range(n)]
    return (await operations.create(new("parent"), children)).operation.id


async def children_of(operations: Operations, parent: str) -> list[OperationDocument]:
    page = await operations.list_page(OperationFilter(parent=parent), limit=1000)
    return list(page.items)[::-1]


async def complete_all(operations: Operations, queue: Queue, parent: str) -> None:
    while (fetched := await queue.fetch()) is not None:
        if fetched.token.operation != parent:
            await operations.claim(fetched.token, "w1")
            await operations.complete(fetched.token, {})


async def test_children_wait_and_the_parent_has_no_job_yet(
    operations: Operations, queue: Queue
):
    parent = await make(operations, 3)
    document = await operations.get(parent)
    assert (document.state, document.n_children, document.n_open_children) == (
        OperationState.PENDING,
        3,
        3,
    )
    assert document.progress is not None
    assert (document.progress.done, document.progress.total) == (0, 3)
    assert await queue.live_jobs(parent) == []
    children = await children_of(operations, parent)
    assert [child.title for child in children] == ["c0", "c1", "c2"]
    taken = [(await queue.take()).token.operation for _ in range(3)]
    assert taken == [child.id for child in children]


async def test_the_last_child_makes_the_parents_job(
    operations: Operations, queue: Queue
):
    parent = await make(operations, 3)
    for n in range(3):
        assert await queue.live_jobs(parent) == []
        _, token = await queue.begin(operations)
        assert (await operations.get(parent)).state == OperationState.RUNNING
        await operations.complete(token, {"n": n})
        document = await operations.get(parent)
        assert document.progress is not None
        assert document.progress.done == n + 1
    assert (document.state, document.worker) == (OperationState.RUNNING, None)
    assert await queue.live_jobs(parent) == [1]

    _, token = await queue.begin(operations, "summer")
    assert token == AttemptToken(operation=parent, attempt=1)
    assert [
        (one.title, one.state, one.result, one.error)
        for one in await operations.children_outcomes(parent)
    ] == [(f"c{n}", "completed", {"n": n}, None) for n in range(3)]
    await operations.complete(token, {"best": 2})
    states = [e.data.get("state") for e in await operations.events(parent)]
    assert states == ["pending", "running", "running", "completed"]


async def test_some_may_fail(operations: Operations, queue: Queue):
    parent = await make(operations, 2)
    _, token = await queue.begin(operations)
    await operations.fail(token, BROKEN)
    _, token = await queue.begin(operations)
    await operations.complete(token, {})
    assert await queue.live_jobs(parent) == [1]
    outcomes = await operations.children_outcomes(parent)
    assert [(one.state, one.error) for one in outcomes] == [
        ("failed", "it broke"),
        ("completed", None),
    ]


async def test_when_all_fail_the_parent_fails_with_the_first_error(
    operations: Operations, queue: Queue
):
    parent = await make(operations, 3, max_failures=1)
    tokens = [(await queue.begin(operations))[1] for _ in range(3)]
    await operations.cancel(tokens[0].operation)
    await operations.let_go(tokens[0])
    await operations.fail(tokens[2], PASSING)
    await operations.fail(tokens[1], BROKEN)
    document = await operations.get(parent)
    assert document.state == OperationState.FAILED
    assert document.error is not None
    assert document.error.code == BROKEN.code
    assert "c1: it broke" in document.error.message
    assert await queue.fetch() is None


async def test_when_all_are_cancelled_one_by_one_so_is_the_parent(
    operations: Operations, queue: Queue
):
    parent = await make(operations, 2)
    for child in await children_of(operations, parent):
        await operations.cancel(child.id)
    assert (await operations.get(parent)).state == OperationState.CANCELLED
    assert await queue.fetch() is None


async def test_a_childs_new_attempt_is_no_end(operations: Operations, queue: Queue):
    parent = await make(operations, 1)
    _, token = await queue.begin(operations)
    await operations.fail(token, PASSING)
    await queue.make_due()
    _, token = await queue.begin(operations)
    await operations.hand_back(token, "why")
    assert (await operations.get(parent)).n_open_children == 1
    _, token = await queue.begin(operations)
    await operations.complete(token, {})
    assert (await operations.get(parent)).n_open_children == 0


async def test_cancelling_the_parent_cancels_its_children(
    operations: Operations, queue: Queue
):
    parent = await make(operations, 4)
    _, done = await queue.begin(operations)
    await operations.complete(done, {})
    running, token = await queue.begin(operations)
    asked = await operations.cancel(parent)
    assert (asked.state, asked.n_open_children) == (OperationState.CANCELLING, 1)
    states = [child.state for child in await children_of(operations, parent)]
    assert states == ["completed", "cancelling", "cancelled", "cancelled"]
    assert await queue.fetch() is None
    rows = await queue.run(
        "SELECT id FROM procrastinate_jobs WHERE abort_requested AND status = 'doing'"
    )
    assert [row["id"] for row in rows] == [running.job]
    await operations.let_go(token)
    assert (await operations.get(parent)).state == OperationState.CANCELLED
    assert await queue.live_jobs(parent) == []


async def test_a_waiting_parent_is_cancelled_at_once(
    operations: Operations, queue: Queue
):
    parent = await make(operations, 4)
    assert (await operations.cancel(parent)).state == OperationState.CANCELLED
    document = await operations.get(parent)
    assert (document.n_open_children, document.attempts) == (0, ())
    assert await queue.fetch() is None


async def test_cancelled_before_its_own_job_is_claimed_a_parent_ends_at_once(
    operations: Operations, queue: Queue
):
    parent = await make(operations, 1)
    _, token = await queue.begin(operations)
    await operations.complete(token, {})
    assert (await operations.cancel(parent)).state == OperationState.CANCELLED
    assert await queue.fetch() is None
    # All children were completed, so what goes on is the parent's own job.
    assert (await operations.resume(parent)).n_open_children == 0
    _, token = await queue.begin(operations)
    assert token == AttemptToken(operation=parent, attempt=2)


async def test_a_resumed_parent_goes_on_with_its_cancelled_children(
    operations: Operations, queue: Queue
):
    parent = await make(operations, 4)
    _, done = await queue.begin(operations)
    await operations.complete(done, {})
    _, running = await queue.begin(operations)
    await operations.checkpoint(running, "net", "abc")
    await operations.cancel(parent)
    await operations.let_go(running)

    resumed = await operations.resume(parent)
    assert (resumed.state, resumed.n_open_children) == (OperationState.PENDING, 3)
    assert resumed.progress is not None
    assert resumed.progress.done == 1
    children = await children_of(operations, parent)
    assert [child.attempt for child in children] == [1, 2, 2, 2]
    assert children[1].checkpoints == {"net": "abc"}
    await complete_all(operations, queue, parent)
    assert await queue.live_jobs(parent) == [2]
    assert (await operations.get(parent)).state == OperationState.RUNNING


async def test_a_retried_parent_tries_its_failed_children_again(
    operations: Operations, queue: Queue
):
    parent = await make(operations, 2, max_failures=1)
    for error in (BROKEN, PASSING):
        _, token = await queue.begin(operations)
        await operations.fail(token, error)
    assert (await operations.get(parent)).state == OperationState.FAILED
    tried = await operations.retry(parent)
    assert (tried.state, tried.n_open_children, tried.error) == ("pending", 2, None)
    assert [c.failures for c in await children_of(operations, parent)] == [0, 0]
    await complete_all(operations, queue, parent)
    assert await queue.live_jobs(parent) == [2]


async def test_a_parent_whose_own_job_failed_is_retried_without_children(
    operations: Operations, queue: Queue
):
    parent = await make(operations, 1)
    _, token = await queue.begin(operations)
    await operations.complete(token, {})
    _, token = await queue.begin(operations)
    await operations.fail(token, BROKEN)
    tried = await operations.retry(parent)
    assert (tried.state, tried.n_open_children) == (OperationState.PENDING, 0)
    _, token = await queue.begin(operations)
    assert token == AttemptToken(operation=parent, attempt=2)


async def test_a_part_goes_on_alone_only_while_others_are_open(
    operations: Operations, queue: Queue
):
    parent = await make(operations, 2)
    first, second = await children_of(operations, parent)
    await operations.cancel(first.id)
    assert (await operations.get(parent)).n_open_children == 1
    await operations.resume(first.id)
    assert (await operations.get(parent)).n_open_children == 2
    with pytest.raises(ConflictError, match="is pending; it can be resumed only when"):
        await operations.resume(first.id)
    await operations.cancel(first.id)
    await operations.cancel(second.id)
    assert (await operations.get(parent)).state == OperationState.CANCELLED
    with pytest.raises(ConflictError, match=f"is part of {parent}, which is cancelled"):
        await operations.resume(first.id)


async def test_one_hundred_children_ended_by_eight_at_once_are_counted_once_each(
    operations: Operations, queue: Queue
):
    parent = await make(operations, 100, max_failures=1)
    dice = random.Random(5)
    plan = [
        dice.choice(("complete", "fail", "cancel", "hand_back")) for _ in range(400)
    ]

    async def work(name: str) -> None:
        while (fetched := await queue.fetch()) is not None:
            token = fetched.token
            if token.operation == parent:
                jobs.append(token)
                return
            await operations.claim(token, name)
            match plan.pop():
                case "complete":
                    await operations.complete(token, {})
                case "fail":
                    await operations.fail(token, BROKEN)
                case "cancel":
                    await operations.cancel(token.operation)
                    await operations.let_go(token)
                case "hand_back":
                    await operations.hand_back(token, "why")
            await queue.finish(fetched.job)

    jobs: list[AttemptToken] = []
    await asyncio.gather(*(work(f"w{n}") for n in range(8)))
    assert jobs == [AttemptToken(operation=parent, attempt=1)]
    document = await operations.get(parent)
    assert (document.state, document.n_open_children) == (OperationState.RUNNING, 0)
    assert document.progress is not None
    assert document.progress.done == 100
    assert len(await operations.children_outcomes(parent)) == 100
    assert await queue.fetch() is None


async def test_a_parent_cancelled_while_its_children_end_is_cancelled_or_goes_on(
    operations: Operations, queue: Queue
):
    """Whoever comes first, nothing waits in a circle and all is counted."""
    for _ in range(10):
        parent = await make(operations, 12)
        tokens = [(await queue.begin(operations))[1] for _ in range(8)]

        async def end(token: AttemptToken) -> None:
            await operations.complete(token, {})

        await asyncio.gather(
            *map(end, tokens[:4]), operations.cancel(parent), *map(end, tokens[4:])
        )
        document = await operations.get(parent)
        assert (document.state, document.n_open_children) == ("cancelled", 0)
        assert await queue.fetch() is None


async def test_thousands_of_children_are_made_and_cancelled_quickly(
    operations: Operations, queue: Queue
):
    parent = await make(operations, 3000)
    rows = await queue.run(
        "SELECT count(*) AS n FROM ktrdr.operations AS o JOIN procrastinate_jobs AS j "
        "ON j.id = o.job_id AND j.args ->> 'operation' = o.id "
        "AND (j.args ->> 'attempt')::int = o.attempt"
    )
    assert rows[0]["n"] == 3000
    await operations.cancel(parent)
    await operations.resume(parent)
    assert (await operations.get(parent)).n_open_children == 3000
