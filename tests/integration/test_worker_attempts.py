"""One attempt at a time: a real job process, a real PostgreSQL, a real store."""

import asyncio
import threading
import time
from pathlib import Path

import pytest

from ktrdr.database import Database
from ktrdr.errors import DatabaseError
from ktrdr.operations import AttemptToken, NewOperation, Operations
from ktrdr.schemas import OperationDetail, OperationState
from ktrdr.storage import ArtifactStore, parse_digest
from ktrdr.workers import keeping, kinds
from ktrdr.workers.attempt import Attempt, AttemptTools, Outcome
from ktrdr.workers.metrics import WorkerMetrics
from ktrdr.workers.requests import WorkerValues
from ktrdr.workers.scratch import Scratch
from tests.unit.workers.processes import is_alive

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
SAMPLE = kinds.Kind(
    module="tests.unit.workers.sample_jobs", fields=kinds.KINDS["training"].fields
)
PLAIN = kinds.Kind(module="tests.unit.workers.sample_jobs")


@pytest.fixture(autouse=True)
def _sample_kinds(monkeypatch):
    known = {**kinds.KINDS, "sample": SAMPLE, "plain": PLAIN}
    monkeypatch.setattr(kinds, "KINDS", known)


@pytest.fixture
async def operations(database_url):
    async with Database(database_url) as database:
        yield Operations(database)


@pytest.fixture
def tools(operations, tmp_path):
    scratch = Scratch(tmp_path / "scratch")
    scratch.open()
    yield tools_of(operations, tmp_path, scratch)
    scratch.close()


def tools_of(operations, folder: Path, scratch: Scratch, **keys) -> AttemptTools:
    location = str(folder / "store")
    values = {
        "operations": operations,
        "store": ArtifactStore.open(location),
        "scratch": scratch,
        "worker": "worker-1",
        "values": WorkerValues(store=location, device="cpu", threads=3),
        "metrics": WorkerMetrics({"name": "worker-1"}, {"version": "1"}),
        "stalled_after_s": 3.0,
        "grace_s": 4.0,
        **keys,
    }
    return AttemptTools(**values)


async def created(operations, behaviour: str, kind="sample", **request) -> AttemptToken:
    new = NewOperation(
        kind=kind,
        title=behaviour,
        queue="nobody-listens",
        request={"behaviour": behaviour, **request},
        max_failures=3,
    )
    made = (await operations.create(new)).operation
    return AttemptToken(operation=made.id, attempt=made.attempt)


async def ran(tools, token) -> tuple[Outcome, OperationDetail]:
    outcome = await Attempt(tools, token).run()
    return outcome, await tools.operations.get(token.operation)


async def until(condition, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def counting(tools, token):
    """Start counting; return the attempt and its task when a checkpoint is kept."""
    attempt = Attempt(tools, token)
    running = asyncio.create_task(attempt.run())

    async def has_checkpoint() -> bool:
        return bool((await tools.operations.get(token.operation)).checkpoints)

    await until(has_checkpoint)
    return attempt, running


def kept_count(tools, operation: OperationDetail) -> int:
    return int(tools.store.get(parse_digest(operation.checkpoints["counter"])))


def blobs(folder: Path) -> set[str]:
    return {path.name for path in (folder / "store").glob("blobs/*/*")}


async def test_a_result_completes_the_operation_with_its_events(tools):
    token = await created(tools.operations, "finish")
    outcome, done = await ran(tools, token)
    assert outcome is Outcome.COMPLETED
    assert (done.state, done.result) == (OperationState.COMPLETED, {"answer": 42})
    assert [(one.number, one.worker, one.outcome) for one in done.attempts] == [
        (1, "worker-1", "completed")
    ]
    assert done.progress is not None
    assert (done.progress.phase, done.progress.done) == ("working", 1)
    assert (done.progress.total, done.progress.unit) == (3, "steps")
    told = await tools.operations.events(token.operation)
    phase = {"name": "working", "total": 3, "unit": "steps"}
    assert [(one.type, one.data) for one in told if one.type in ("phase", "note")] == [
        ("phase", phase),
        ("note", {"message": "noted"}),
    ]


async def test_the_request_is_completed_by_the_worker(tools):
    token = await created(tools.operations, "tell", device="auto", resume=True)
    _, done = await ran(tools, token)
    told = done.result or {}
    assert told["store"] == tools.values.store
    assert told["operation"] == token.operation
    assert (told["device"], told["threads"]) == ("cpu", 3)
    # There is nothing to go on from.
    assert (told["resume"], told["restart_if_unusable"]) == (False, True)
    assert not Path(told["checkpoints"]).exists()


async def test_a_device_that_was_asked_for_stays(tools):
    token = await created(tools.operations, "tell", device="cuda")
    _, done = await ran(tools, token)
    assert (done.result or {})["device"] == "cuda"


async def test_bad_input_fails_at_once(tools):
    outcome, done = await ran(tools, await created(tools.operations, "data error"))
    assert outcome is Outcome.FAILED
    assert done.state is OperationState.FAILED
    assert done.error is not None
    assert (done.error.code, done.error.message) == (
        "data_invalid",
        "found a hole: expected none",
    )


@pytest.mark.parametrize("behaviour", ["die", "provider error", "full disk"])
async def test_what_may_pass_is_tried_again_until_it_is_a_dead_letter(
    tools, behaviour, monkeypatch
):
    token = await created(tools.operations, behaviour)
    for attempt in (1, 2, 3):
        again = AttemptToken(operation=token.operation, attempt=attempt)
        outcome, done = await ran(tools, again)
        assert outcome is Outcome.FAILED
        expected = OperationState.DEAD_LETTER if attempt == 3 else "pending"
        assert (done.state, done.failures) == (expected, attempt)
    assert [one.outcome for one in done.attempts] == ["failed"] * 3


async def test_an_unknown_kind_is_told_with_what_to_do(tools):
    _, done = await ran(tools, await created(tools.operations, "x", kind="dance"))
    assert done.state is OperationState.FAILED
    assert done.error is not None
    assert "knows no operation of kind 'dance'" in done.error.message


async def test_a_probe_needs_no_process(tools):
    outcome, done = await ran(tools, await created(tools.operations, "", kind="probe"))
    assert (outcome, done.state) == (Outcome.COMPLETED, OperationState.COMPLETED)


async def test_an_attempt_that_is_not_current_is_dropped(tools):
    token = await created(tools.operations, "finish")
    old = AttemptToken(operation=token.operation, attempt=7)
    outcome, untouched = await ran(tools, old)
    assert outcome is Outcome.SUPERSEDED
    assert (untouched.state, untouched.attempts) == (OperationState.PENDING, ())


@pytest.mark.parametrize("kind", ["sample", "plain"])
async def test_cancelling_ends_the_process_within_two_seconds(tools, tmp_path, kind):
    pid_file = tmp_path / "pid"
    token = await created(tools.operations, "linger", kind=kind, file=str(pid_file))
    attempt = Attempt(tools, token)
    running = asyncio.create_task(attempt.run())

    async def has_begun() -> bool:
        return pid_file.exists() and bool(pid_file.read_text())

    await until(has_begun)
    await tools.operations.cancel(token.operation)
    began_s = time.monotonic()
    attempt.cancel()
    assert await running is Outcome.CANCELLED
    assert time.monotonic() - began_s < 2
    assert not is_alive(int(pid_file.read_text()))
    done = await tools.operations.get(token.operation)
    assert done.state is OperationState.CANCELLED


async def test_cancelling_is_noticed_without_being_told(tools):
    """The heartbeat tells it, should the queue's notification be lost."""
    token = await created(tools.operations, "count")
    _, running = await counting(tools, token)
    await tools.operations.cancel(token.operation)
    began_s = time.monotonic()
    assert await running is Outcome.CANCELLED
    assert time.monotonic() - began_s < 2


async def test_a_cancelled_job_keeps_its_last_checkpoint_and_goes_on_elsewhere(
    tools, tmp_path
):
    operations = tools.operations
    token = await created(operations, "count")
    attempt, running = await counting(tools, token)
    first = kept_count(tools, await operations.get(token.operation))
    await asyncio.sleep(0.2)
    await operations.cancel(token.operation)
    attempt.cancel()
    assert await running is Outcome.CANCELLED
    cancelled = await operations.get(token.operation)
    count = kept_count(tools, cancelled)
    # Not the first that was kept, but the one written when asked to stop.
    assert count > first
    assert list((tmp_path / "scratch").rglob("counter*")) == []

    again = await operations.resume(token.operation)
    scratch = Scratch(tmp_path / "elsewhere")
    scratch.open()
    other = tools_of(operations, tmp_path, scratch, worker="worker-2")
    outcome, done = await ran(
        other, AttemptToken(operation=again.id, attempt=again.attempt)
    )
    assert outcome is Outcome.COMPLETED
    assert done.result == {"begun_at": count}


async def test_only_the_newest_checkpoint_stays_and_none_when_completed(
    tools, tmp_path, monkeypatch
):
    monkeypatch.setattr(keeping, "_LEAST_S_BETWEEN_UPLOADS", 0.05)
    token = await created(tools.operations, "count")
    attempt, running = await counting(tools, token)
    await asyncio.sleep(0.7)
    events = await tools.operations.events(token.operation)
    assert len({one.data["digest"] for one in events if one.type == "checkpoint"}) > 2
    attempt.hand_back()
    assert await running is Outcome.HANDED_BACK
    back = await tools.operations.get(token.operation)
    assert blobs(tmp_path) == {back.checkpoints["counter"]}

    token = AttemptToken(operation=token.operation, attempt=2)
    assert await Attempt(tools, token).run() is Outcome.COMPLETED
    assert blobs(tmp_path) == set()


async def test_an_upload_under_way_at_the_end_leaves_nothing_unnamed(
    tools, tmp_path, monkeypatch
):
    token = await created(tools.operations, "count")
    put, begun = keeping._put, threading.Event()

    def put_slowly(store: ArtifactStore, path: Path) -> str:
        digest = put(store, path)
        begun.set()
        time.sleep(0.5)
        return digest

    monkeypatch.setattr(keeping, "_put", put_slowly)
    attempt = Attempt(tools, token)
    running = asyncio.create_task(attempt.run())
    assert await asyncio.to_thread(begun.wait, 10)
    attempt.hand_back()
    assert await running is Outcome.HANDED_BACK
    back = await tools.operations.get(token.operation)
    assert blobs(tmp_path) == {back.checkpoints["counter"]}


async def test_handing_back_keeps_a_checkpoint_and_is_no_failure(tools):
    token = await created(tools.operations, "count")
    attempt, running = await counting(tools, token)
    first = kept_count(tools, await tools.operations.get(token.operation))
    await asyncio.sleep(0.2)
    began_s = time.monotonic()
    attempt.hand_back()
    assert await running is Outcome.HANDED_BACK
    assert time.monotonic() - began_s < tools.grace_s
    back = await tools.operations.get(token.operation)
    assert (back.state, back.attempt, back.failures) == (OperationState.PENDING, 2, 0)
    assert kept_count(tools, back) > first
    count = kept_count(tools, back)
    outcome, done = await ran(tools, AttemptToken(operation=token.operation, attempt=2))
    assert outcome is Outcome.COMPLETED
    assert done.result == {"begun_at": count}


async def test_a_result_that_is_there_before_its_job_is_ended_counts(tools):
    token = await created(tools.operations, "finish when stopped")
    attempt = Attempt(tools, token)
    running = asyncio.create_task(attempt.run())

    async def is_working() -> bool:
        return (await tools.operations.get(token.operation)).progress is not None

    await until(is_working)
    await tools.operations.cancel(token.operation)
    attempt.cancel()
    assert await running is Outcome.COMPLETED
    done = await tools.operations.get(token.operation)
    assert (done.state, done.result) == (OperationState.COMPLETED, {"answer": 42})


async def test_a_worker_that_stops_lets_a_job_finish_that_is_about_to(tools):
    token = await created(tools.operations, "finish", kind="plain")
    attempt = Attempt(tools, token)
    running = asyncio.create_task(attempt.run())

    async def is_running() -> bool:
        state = (await tools.operations.get(token.operation)).state
        return state is OperationState.RUNNING

    await until(is_running)
    attempt.hand_back()
    assert await running in (Outcome.COMPLETED, Outcome.HANDED_BACK)


async def test_a_stop_before_the_start_starts_nothing(tools):
    token = await created(tools.operations, "finish")
    attempt = Attempt(tools, token)
    attempt.hand_back()
    assert await attempt.run() is Outcome.HANDED_BACK
    back = await tools.operations.get(token.operation)
    assert (back.state, back.attempt) == (OperationState.PENDING, 2)


async def test_a_superseded_attempt_kills_its_process_and_writes_no_more(
    tools, tmp_path, database_url
):
    pid_file = tmp_path / "pid"
    token = await created(tools.operations, "count", file=str(pid_file))
    _, running = await counting(tools, token)
    # As the sweep does when this worker has been silent.
    async with Database(database_url) as database, database.connection() as connection:
        await connection.execute(
            "UPDATE ktrdr.operations SET attempt = 2, worker = 'worker-2'"
        )
    assert await running is Outcome.SUPERSEDED
    assert not is_alive(int(pid_file.read_text()))
    after = await tools.operations.get(token.operation)
    assert (after.state, after.worker) == (OperationState.RUNNING, "worker-2")


async def test_a_checkpoint_that_is_lost_begins_anew_with_a_note(tools, tmp_path):
    operations = tools.operations
    token = await created(operations, "count")
    attempt, running = await counting(tools, token)
    attempt.hand_back()
    await running
    for blob in (tmp_path / "store" / "blobs").rglob("*"):
        if blob.is_file():
            blob.unlink()
    attempt = Attempt(tools, AttemptToken(operation=token.operation, attempt=2))
    running = asyncio.create_task(attempt.run())

    async def notes() -> list[str]:
        events = await operations.events(token.operation)
        return [one.data["message"] for one in events if one.type == "note"]

    await until(notes)
    attempt.hand_back()
    await running
    (note,) = await notes()
    assert "the training of counter begins anew" in note


class Away:
    """Operations whose database is out of reach for a while."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self.is_away = False

    def __getattr__(self, name):
        method = getattr(self._operations, name)

        async def call(*values, **keys):
            if self.is_away:
                raise DatabaseError("the database is away")
            return await method(*values, **keys)

        return call


async def test_a_job_outlives_its_database(tools, tmp_path):
    away = Away(tools.operations)
    cut_off = tools_of(away, tmp_path, tools.scratch, stalled_after_s=60.0)
    token = await created(tools.operations, "finish")
    running = asyncio.create_task(Attempt(cut_off, token).run())

    async def is_running() -> bool:
        state = (await tools.operations.get(token.operation)).state
        return state is OperationState.RUNNING

    await until(is_running)
    away.is_away = True
    # Long enough for the job to end.
    await asyncio.sleep(3)
    assert not running.done()
    away.is_away = False
    assert await running is Outcome.COMPLETED
    done = await tools.operations.get(token.operation)
    assert done.result == {"answer": 42}
    told = await tools.operations.events(token.operation)
    assert [one.type for one in told if one.type in ("phase", "note")] == [
        "phase",
        "note",
    ]


async def test_a_worker_that_stops_without_database_does_not_wait_for_ever(
    tools, tmp_path
):
    away = Away(tools.operations)
    cut_off = tools_of(away, tmp_path, tools.scratch, grace_s=1.0)
    token = await created(tools.operations, "count")
    attempt, running = await counting(cut_off, token)
    away.is_away = True
    began_s = time.monotonic()
    attempt.hand_back()
    with pytest.raises(DatabaseError):
        await running
    assert time.monotonic() - began_s < 3
