"""Every method in every state: what it leads to, or how it refuses."""

from collections.abc import Awaitable, Callable

import pytest

from ktrdr.errors import AttemptSuperseded, ConflictError
from ktrdr.operations import AttemptToken, Operations
from ktrdr.schemas import OperationState
from tests.unit.operations.queue import BROKEN, PASSING, SILENT_S, Queue, new

pytestmark = pytest.mark.anyio

Act = Callable[[Operations, AttemptToken], Awaitable[object]]

OLD = "superseded"
NO = "conflict"
STATES = (
    "pending",
    "running",
    "cancelling",
    "completed",
    "failed",
    "cancelled",
    "dead_letter",
)
# In the order of STATES: the state after it, or the refusal.
TABLE: dict[str, tuple[Act, tuple[str, ...]]] = {
    "claim": (
        lambda o, t: o.claim(t, "other"),
        ("running", OLD, OLD, OLD, OLD, OLD, OLD),
    ),
    "heartbeat": (
        lambda o, t: o.heartbeat(t),
        (OLD, "running", "cancelling", OLD, OLD, OLD, OLD),
    ),
    "record": (
        lambda o, t: o.record(t, "note", {}),
        (OLD, "running", "cancelling", OLD, OLD, OLD, OLD),
    ),
    "checkpoint": (
        lambda o, t: o.checkpoint(t, "n", "d"),
        (OLD, "running", "cancelling", OLD, OLD, OLD, OLD),
    ),
    "complete": (
        lambda o, t: o.complete(t, {}),
        (OLD, "completed", "completed", OLD, OLD, OLD, OLD),
    ),
    "fail for good": (
        lambda o, t: o.fail(t, BROKEN),
        (OLD, "failed", "cancelled", OLD, OLD, OLD, OLD),
    ),
    "fail for now": (
        lambda o, t: o.fail(t, PASSING),
        (OLD, "pending", "cancelled", OLD, OLD, OLD, OLD),
    ),
    "hand_back": (
        lambda o, t: o.hand_back(t, "why"),
        (OLD, "pending", "cancelled", OLD, OLD, OLD, OLD),
    ),
    "let_go": (
        lambda o, t: o.let_go(t),
        (OLD, OLD, "cancelled", OLD, OLD, OLD, OLD),
    ),
    "cancel": (
        lambda o, t: o.cancel(t.operation),
        ("cancelled", "cancelling", "cancelling", NO, NO, "cancelled", NO),
    ),
    "resume": (
        lambda o, t: o.resume(t.operation),
        (NO, NO, NO, NO, NO, "pending", NO),
    ),
    "retry": (
        lambda o, t: o.retry(t.operation),
        (NO, NO, NO, NO, "pending", NO, "pending"),
    ),
    "sweep": (
        lambda o, t: o.sweep(SILENT_S),
        (
            "pending",
            "pending",
            "cancelled",
            "completed",
            "failed",
            "cancelled",
            "dead_letter",
        ),
    ),
}


async def brought_to(state: str, operations: Operations, queue: Queue) -> AttemptToken:
    """Make an operation that is in the state, and return its current token."""
    max_failures = 1 if state == "dead_letter" else 5
    await operations.create(new(max_failures=max_failures))
    if state == "pending":
        return (await queue.take()).token
    _, token = await queue.begin(operations)
    if state in ("cancelling", "cancelled"):
        await operations.cancel(token.operation)
    match state:
        case "completed":
            await operations.complete(token, {"n": 1})
        case "failed":
            await operations.fail(token, BROKEN)
        case "dead_letter":
            await operations.fail(token, PASSING)
        case "cancelled":
            await operations.let_go(token)
    return token


@pytest.mark.usefixtures("_old_server")
@pytest.mark.parametrize("name", TABLE)
async def test_each_method_in_each_state(
    name: str, operations: Operations, queue: Queue
):
    act, row = TABLE[name]
    for state, expected in zip(STATES, row, strict=True):
        await queue.clear()
        token = await brought_to(state, operations, queue)
        await queue.age(token.operation)
        before = await operations.get(token.operation)
        assert before.state == state
        if expected in (OLD, NO):
            refusal = AttemptSuperseded if expected == OLD else ConflictError
            with pytest.raises(refusal):
                await act(operations, token)
            assert await operations.get(token.operation) == before, state
            continue
        await act(operations, token)
        after = await operations.get(token.operation)
        assert after.state == expected, state
        await check(before, after, queue)


async def check(before, after, queue: Queue) -> None:
    """What holds after every change."""
    is_new_attempt = after.attempt != before.attempt
    jobs = await queue.live_jobs(after.id)
    assert after.attempt - before.attempt in (0, 1)
    assert (after.finished_at is not None) == after.state.is_final
    assert (after.result is not None) == (after.state == OperationState.COMPLETED)
    assert (after.error is not None) == (after.state in ("failed", "dead_letter"))
    if not after.state.is_final:
        assert jobs[-1] == after.attempt, "a job stands for the current attempt"
    if is_new_attempt:
        assert after.state == OperationState.PENDING
        assert after.worker is None
    if after.state.is_final and before.state != after.state:
        assert all(attempt.ended_at for attempt in after.attempts)


async def test_an_older_attempt_can_write_nothing(operations: Operations, queue: Queue):
    old = await brought_to("running", operations, queue)
    await operations.hand_back(old, "so that there is a newer one")
    await operations.claim(AttemptToken(operation=old.operation, attempt=2), "another")
    before = await operations.get(old.operation)
    refusal = (
        f"attempt 1 of operation {old.operation} can't write: "
        "attempt 2 is current and running by worker another"
    )
    for act, row in TABLE.values():
        if OLD in row:
            with pytest.raises(AttemptSuperseded, match=refusal):
                await act(operations, old)
    assert await operations.get(old.operation) == before
    assert len(await operations.events(old.operation)) == 5
