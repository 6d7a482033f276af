"""One operation, from its creation to each of its ends."""

import asyncio

import pytest

from ktrdr.errors import AttemptSuperseded, ConflictError, InputError, NotFoundError
from ktrdr.operations import AttemptToken, OperationFilter, Operations
from ktrdr.operations.attempts import delay_after
from ktrdr.operations.rows import jsonb
from ktrdr.schemas import OperationState, ProgressDocument
from tests.unit.operations.queue import BROKEN, PASSING, Queue, new

pytestmark = pytest.mark.anyio


async def events_of(
    operations: Operations, operation: str
) -> list[tuple[str, int, dict[str, object]]]:
    return [
        (event.type, event.attempt, event.data)
        for event in await operations.events(operation)
    ]


async def test_row_and_job_are_made_together(operations: Operations, queue: Queue):
    created = await operations.create(new("a", priority=3, max_failures=7))

    assert created.is_new
    operation = created.operation
    assert (operation.state, operation.attempt) == (OperationState.PENDING, 1)
    assert (operation.priority, operation.max_failures) == (3, 7)
    fetched = await queue.take()
    assert fetched.token == AttemptToken(operation=operation.id, attempt=1)
    assert (fetched.queue, fetched.priority) == ("backtest", 3)


async def test_jobs_for_a_gpu_come_first(operations: Operations, queue: Queue):
    await operations.create(new(queue="training-cpu", priority=5))
    gpu = await operations.create(new(queue="training-gpu"))
    assert (await queue.take()).token.operation == gpu.operation.id


async def test_a_completed_operation_tells_its_life(
    operations: Operations, queue: Queue
):
    operation = (await operations.create(new())).operation.id
    _, token = await queue.begin(operations)
    progress = ProgressDocument(phase="fit", done=2, total=5, at="2026-01-01T00:00:00Z")
    assert await operations.heartbeat(token, progress) == OperationState.RUNNING
    await operations.record(token, "phase", {"name": "fit", "total": 5, "unit": "x"})
    await operations.checkpoint(token, "net", "abc")
    await operations.checkpoint(token, "other", "def")
    await operations.complete(token, {"sharpe": 1.5})

    detail = await operations.get(operation)
    assert detail.state == OperationState.COMPLETED
    assert detail.result == {"sharpe": 1.5}
    assert detail.progress == progress
    assert detail.checkpoints == {"net": "abc", "other": "def"}
    assert detail.worker == "w1"
    assert detail.started_at is not None
    assert detail.finished_at is not None
    (attempt,) = detail.attempts
    assert (attempt.number, attempt.worker, attempt.outcome) == (1, "w1", "completed")
    assert attempt.ended_at is not None
    assert await events_of(operations, operation) == [
        ("state", 1, {"state": "pending"}),
        ("state", 1, {"state": "running", "worker": "w1"}),
        ("phase", 1, {"name": "fit", "total": 5, "unit": "x"}),
        ("checkpoint", 1, {"name": "net", "digest": "abc"}),
        ("checkpoint", 1, {"name": "other", "digest": "def"}),
        ("state", 1, {"state": "completed", "worker": "w1"}),
    ]


async def test_bad_input_fails_at_once(operations: Operations, queue: Queue):
    operation = (await operations.create(new())).operation.id
    _, token = await queue.begin(operations)
    assert await operations.fail(token, BROKEN) == OperationState.FAILED
    detail = await operations.get(operation)
    assert detail.error == BROKEN
    assert detail.failures == 0
    assert [one.outcome for one in detail.attempts] == ["failed"]
    assert detail.attempts[0].error == BROKEN


async def test_what_may_pass_is_tried_again_until_it_is_given_up(
    operations: Operations, queue: Queue
):
    operation = (await operations.create(new(max_failures=3))).operation.id
    for attempt in (1, 2):
        _, token = await queue.begin(operations)
        assert token.attempt == attempt
        assert await operations.fail(token, PASSING) == OperationState.PENDING
        assert (await operations.get(operation)).failures == attempt
        assert await queue.fetch() is None, "the pause is not over"
        await queue.make_due()
    _, token = await queue.begin(operations)
    assert await operations.fail(token, PASSING) == OperationState.DEAD_LETTER

    detail = await operations.get(operation)
    assert (detail.attempt, detail.failures) == (3, 3)
    assert detail.error == PASSING
    assert [one.outcome for one in detail.attempts] == ["failed"] * 3
    assert (await events_of(operations, operation))[-1] == (
        "state",
        3,
        {
            "state": "dead_letter",
            "worker": "w1",
            "reason": "given up after 3 failures, the last: disk full",
        },
    )


async def test_the_pause_doubles_and_has_a_bound(operations: Operations, queue: Queue):
    for failures, full in ((1, 2.0), (2, 4.0), (5, 32.0), (9, 300.0), (2000, 300.0)):
        for _ in range(20):
            assert 0.9 * full <= delay_after(failures) <= full
    await operations.create(new())
    _, token = await queue.begin(operations)
    await operations.fail(token, PASSING)
    rows = await queue.run(
        "SELECT extract(epoch FROM scheduled_at - now())::float AS pause "
        "FROM procrastinate_jobs WHERE status = 'todo'"
    )
    assert 1.0 < rows[0]["pause"] <= 2.0


async def test_handed_back_is_no_failure(operations: Operations, queue: Queue):
    operation = (await operations.create(new(max_failures=1))).operation.id
    fetched, token = await queue.begin(operations)
    await operations.hand_back(token, "the worker is stopping")
    await queue.finish(fetched.job, "aborted")

    detail = await operations.get(operation)
    assert (detail.state, detail.attempt, detail.failures) == ("pending", 2, 0)
    assert detail.worker is None
    assert [one.outcome for one in detail.attempts] == ["handed_back"]
    assert await queue.live_jobs(operation) == [2]
    assert (await events_of(operations, operation))[-2:] == [
        ("state", 2, {"state": "pending", "reason": "the worker is stopping"}),
        ("attempt", 2, {"number": 2, "reason": "the worker is stopping"}),
    ]


async def test_cancelled_while_it_waits_it_ends_at_once(
    operations: Operations, queue: Queue
):
    operation = (await operations.create(new())).operation.id
    assert (await operations.cancel(operation)).state == OperationState.CANCELLED
    assert (await operations.cancel(operation)).state == OperationState.CANCELLED
    assert await queue.fetch() is None
    assert [e[2] for e in await events_of(operations, operation)] == [
        {"state": "pending"},
        {"state": "cancelled"},
    ]


async def test_cancelled_between_fetch_and_claim_it_is_not_claimed(
    operations: Operations, queue: Queue
):
    operation = (await operations.create(new())).operation.id
    fetched = await queue.take()
    assert (await operations.cancel(operation)).state == OperationState.CANCELLED
    with pytest.raises(AttemptSuperseded, match="attempt 1 is current and cancelled"):
        await operations.claim(fetched.token, "w1")
    rows = await queue.run("SELECT abort_requested FROM procrastinate_jobs")
    assert rows[0]["abort_requested"]


async def test_cancelled_while_it_runs_the_worker_is_told_and_lets_go(
    operations: Operations, queue: Queue
):
    operation = (await operations.create(new())).operation.id
    fetched, token = await queue.begin(operations)
    await operations.checkpoint(token, "net", "one")
    asked = await operations.cancel(operation)
    assert asked.state == OperationState.CANCELLING
    assert (await operations.cancel(operation)).state == OperationState.CANCELLING
    rows = await queue.run("SELECT abort_requested FROM procrastinate_jobs")
    assert rows[0]["abort_requested"]
    assert await operations.heartbeat(token) == OperationState.CANCELLING
    await operations.checkpoint(token, "net", "two")
    await operations.let_go(token)
    await queue.finish(fetched.job, "aborted")

    detail = await operations.get(operation)
    assert detail.state == OperationState.CANCELLED
    assert detail.checkpoints == {"net": "two"}
    assert detail.attempts[0].outcome == "cancelled"


async def test_resumed_it_goes_on_as_a_new_attempt_with_its_checkpoints(
    operations: Operations, queue: Queue
):
    operation = (await operations.create(new())).operation.id
    fetched, token = await queue.begin(operations)
    await operations.checkpoint(token, "net", "one")
    await operations.cancel(operation)
    await operations.let_go(token)
    resumed = await operations.resume(operation)
    assert (resumed.state, resumed.attempt) == (OperationState.PENDING, 2)
    assert resumed.finished_at is None
    assert resumed.checkpoints == {"net": "one"}
    await queue.finish(fetched.job, "aborted")
    assert await queue.live_jobs(operation) == [2]
    with pytest.raises(AttemptSuperseded, match="attempt 2 is current and pending"):
        await operations.let_go(token)


async def test_retried_its_failures_are_forgotten(operations: Operations, queue: Queue):
    operation = (await operations.create(new(max_failures=1))).operation.id
    fetched, token = await queue.begin(operations)
    await operations.fail(token, PASSING)
    await queue.finish(fetched.job)
    tried = await operations.retry(operation)
    assert (tried.state, tried.attempt, tried.failures) == ("pending", 2, 0)
    assert tried.error is None
    assert await queue.live_jobs(operation) == [2]


async def test_a_claim_may_be_repeated_by_the_same_worker_only(
    operations: Operations, queue: Queue
):
    operation = (await operations.create(new())).operation.id
    _, token = await queue.begin(operations)
    again = await operations.claim(token, "w1")
    assert again.worker == "w1"
    with pytest.raises(AttemptSuperseded, match="current and running by worker w1"):
        await operations.claim(token, "w2")
    assert len(await events_of(operations, operation)) == 2
    assert len((await operations.get(operation)).attempts) == 1


async def test_what_postgresql_cannot_store_keeps_nothing_from_ending(
    operations: Operations, queue: Queue
):
    operation = (await operations.create(new("ti\0tle"))).operation.id
    _, token = await queue.begin(operations)
    await operations.record(token, "note", {"message": "a\0b\ud800"})
    await operations.complete(
        token, {"a\0": [float("nan"), float("inf"), 1.5, ("x",), True, None]}
    )
    detail = await operations.get(operation)
    assert detail.title == "ti\ufffdtle"
    assert detail.result == {"a\ufffd": [None, None, 1.5, ["x"], True, None]}
    assert (await operations.events(operation))[2].data == {"message": "a\ufffdb?"}
    assert jsonb(None) is None


async def test_only_phases_and_notes_are_recorded(operations: Operations, queue: Queue):
    await operations.create(new())
    _, token = await queue.begin(operations)
    with pytest.raises(InputError, match="state"):
        await operations.record(token, "state", {"state": "completed"})


async def test_an_unknown_operation_is_not_found(operations: Operations):
    for unknown in ("", "nothere", "With Blank", "a" * 11, "\0", "%"):
        with pytest.raises(NotFoundError):
            await operations.get(unknown)
        with pytest.raises(NotFoundError):
            await operations.cancel(unknown)
        with pytest.raises(NotFoundError):
            await operations.get_document(unknown)
    with pytest.raises(AttemptSuperseded, match="was deleted"):
        await operations.claim(AttemptToken(operation="nothere", attempt=1), "w")


async def test_the_beginning_of_an_id_is_enough(
    operations: Operations, monkeypatch: pytest.MonkeyPatch
):
    ids = ["abc1234567", "abd1234567"]
    monkeypatch.setattr("ktrdr.operations.create.new_id", iter(ids).__next__)
    await operations.create(new())
    await operations.create(new())
    assert (await operations.get("abc")).id == ids[0]
    assert (await operations.cancel("abc")).id == ids[0]
    with pytest.raises(ConflictError, match="several operations begin with 'ab'"):
        await operations.get("ab")


async def test_the_same_key_gives_the_same_operation(operations: Operations):
    asked = new(idempotency_key="k", request_digest="d")
    first = await operations.create(asked)
    again = await operations.create(asked)
    assert (first.is_new, again.is_new) == (True, False)
    assert again.operation.id == first.operation.id
    with pytest.raises(ConflictError, match=f"used for operation {first.operation.id}"):
        await operations.create(new(idempotency_key="k", request_digest="other"))
    other = await operations.create(
        new(idempotency_key="k", request_digest="d", created_by="somebody")
    )
    assert other.is_new


async def test_of_many_at_once_with_one_key_one_wins(
    operations: Operations, queue: Queue
):
    asked = new(idempotency_key="k", request_digest="d")
    children = [new(f"c{n}") for n in range(5)]
    made = await asyncio.gather(
        *(operations.create(asked, children) for _ in range(20))
    )
    assert sum(one.is_new for one in made) == 1
    assert len({one.operation.id for one in made}) == 1
    rows = await queue.run("SELECT count(*) AS n FROM procrastinate_jobs")
    assert rows[0]["n"] == 5
    rows = await queue.run("SELECT count(*) AS n FROM ktrdr.operations")
    assert rows[0]["n"] == 6


async def test_pages_show_each_operation_once_newest_first(operations: Operations):
    made = [(await operations.create(new(str(n)))).operation.id for n in range(7)]
    seen: list[str] = []
    cursor = None
    while True:
        page = await operations.list_page(OperationFilter(), cursor=cursor, limit=3)
        seen += [one.id for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
        # What is made meanwhile is newer and disturbs no page.
        await operations.create(new("late"))
    assert seen == made[::-1]
    for bad in ("x", "-1", "1.5", "\u0663", "9" * 30):
        with pytest.raises(InputError, match="next_cursor"):
            await operations.list_page(OperationFilter(), cursor=bad)
    for limit in (0, 1001):
        with pytest.raises(InputError, match="limit"):
            await operations.list_page(OperationFilter(), limit=limit)


async def test_lists_are_filtered(operations: Operations):
    one = (await operations.create(new("one", kind="training"))).operation
    two = (await operations.create(new("two", created_by="ann"))).operation
    parent = (await operations.create(new("p"), [new("c1"), new("c2")])).operation
    await operations.cancel(one.id)

    async def titles(**conditions) -> list[str]:
        page = await operations.list_page(OperationFilter(**conditions))
        return [item.title for item in page.items]

    assert await titles() == ["p", "two", "one"]
    assert await titles(states=[OperationState.CANCELLED]) == ["one"]
    assert await titles(kinds=["training", "no\0ne"]) == ["one"]
    assert await titles(created_by="ann") == [two.title]
    assert await titles(parent=parent.id) == ["c2", "c1"]
    assert await titles(with_children=True) == ["c2", "c1", "p", "two", "one"]


async def test_events_are_paged_by_their_ids(operations: Operations, queue: Queue):
    operation = (await operations.create(new())).operation.id
    _, token = await queue.begin(operations)
    for n in range(5):
        await operations.record(token, "note", {"n": n})
    all_of_them = await operations.events(operation)
    ids = [event.id for event in all_of_them]
    assert ids == sorted(ids)
    assert await operations.events(operation, after=ids[2], limit=2) == all_of_them[3:5]
    assert await operations.events(operation, after=2**70) == []
