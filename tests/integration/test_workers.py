"""Workers as they run: processes, a queue in PostgreSQL, an artifact store."""

import asyncio
import json
import signal
import socket
import time
from datetime import UTC, datetime

import pytest

from ktrdr.database import EmbeddedPostgres, upgrade
from ktrdr.models import find_model
from ktrdr.operations import Operations, WorkerRegistry
from ktrdr.schemas import OperationDetail, OperationState, TrainingRequest
from ktrdr.storage import ArtifactStore, parse_digest
from tests.builders import random_bars
from tests.integration.worker_processes import (
    STALLED_AFTER_S,
    System,
    WorkerProcess,
    connected,
    create,
    outcomes,
    sample,
)
from tests.unit.training.strategies import stored, strategy_text
from tests.unit.workers.processes import is_alive, wait_until

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
BARS = random_bars(600, seed=3)


@pytest.fixture
def system(database_url, tmp_path):
    found = System(database_url, tmp_path)
    yield found
    found.close()


@pytest.fixture
async def operations(database_url):
    async with connected(database_url) as database:
        yield Operations(database)


async def until(
    operations: Operations, operation: str, condition, seconds: float = 120.0
) -> OperationDetail:
    deadline = time.monotonic() + seconds
    while True:
        found = await operations.get(operation)
        if condition(found):
            return found
        assert time.monotonic() < deadline, found
        assert not found.state.is_final, found
        await asyncio.sleep(0.03)


async def ended(operations: Operations, operation: str) -> OperationDetail:
    return await until(operations, operation, lambda one: one.state.is_final)


def has_checkpoint(operation: OperationDetail) -> bool:
    return bool(operation.checkpoints)


def is_in_second_network(operation: OperationDetail) -> bool:
    progress = operation.progress
    return progress is not None and progress.phase == "train mlp" and progress.done > 40


async def training(operations: Operations, queue="training-cpu", **keys) -> str:
    request = TrainingRequest(strategy=strategy_text(**keys), source="small.yaml")
    asked = request.model_dump(
        exclude={"store", "checkpoints", "threads", "resume", "restart_if_unusable"}
    )
    return await create(operations, "training", queue, **asked)


async def test_a_training_and_a_backtest_of_it(system, operations):
    """Through two workers, the one with torch, the other without loading it."""
    store = stored(system.folder / "store", BARS)
    trainer = system.start("trainer", "training")
    done = await ended(operations, await training(operations, epochs=3))
    assert done.state is OperationState.COMPLETED, done.error
    model = find_model(store, "small")
    assert (done.result or {})["model"] == model.digest
    assert system.ask("trainer", "/health/ready").json() == {"status": "ready"}
    figures = system.ask("trainer", "/metrics").text
    assert 'ktrdr_worker_jobs_total{kind="training",outcome="completed"} 1.0' in figures

    tester = system.start_sample("tester")
    asked = {"model": model.digest, "resamples": 100}
    done = await ended(
        operations, await create(operations, "backtest", "backtest", **asked)
    )
    assert done.state is OperationState.COMPLETED, done.error
    for worker in (tester, trainer):
        assert worker.end() == 0, worker.text()
    assert "loaded: []" in tester.text()


async def test_what_a_worker_registers(system, operations):
    worker = system.start("w", "training", "--device", "cpu", "--concurrency", "2")
    row = system.row("w")
    assert (row["kind"], row["device"], row["concurrency"]) == ("training", "cpu", 2)
    assert row["queues"] == ["training-cpu"]
    assert row["pid"] == worker.pid
    assert isinstance(row["build"], dict)
    assert row["build"]["protocol"] == 1
    assert {"version", "commit", "libraries"} <= row["build"].keys()
    assert worker.end(signal.SIGINT) == 0
    assert system.row("w")["state"] == "stopped"


async def test_a_training_cancelled_and_resumed_elsewhere_gives_the_same_bits(
    system, operations
):
    stored(system.folder / "store", BARS)
    keys = {
        "dropout": 0.3,
        "epochs": 500,
        "early_stopping": None,
        "checkpoint": {"every_epochs": 20},
    }
    first = system.start("first", "training")
    whole = await ended(operations, await training(operations, **keys))
    assert whole.state is OperationState.COMPLETED, whole.error

    operation = await training(operations, **keys)
    # Let it be well into the second network.
    await until(operations, operation, is_in_second_network)
    await operations.cancel(operation)
    asked_s = time.monotonic()
    cancelled = await until(
        operations, operation, lambda one: one.state is OperationState.CANCELLED
    )
    assert time.monotonic() - asked_s < 2
    assert cancelled.checkpoints.keys() == {"linear", "mlp"}
    assert first.end() == 0
    # Its scratch is gone with it: only the store is shared.
    assert not list((system.folder / "first").rglob("*.safetensors"))

    system.start("second", "training")
    await operations.resume(operation)
    resumed = await ended(operations, operation)
    assert resumed.state is OperationState.COMPLETED, resumed.error
    assert outcomes(resumed) == [("first", "cancelled"), ("second", "completed")]
    assert (resumed.result or {})["weights"] == (whole.result or {})["weights"]
    notes = [
        event.data["message"]
        for event in await operations.events(operation)
        if event.type == "note"
    ]
    assert notes == []


async def test_a_killed_workers_job_goes_on_elsewhere_from_its_checkpoint(
    system, operations, tmp_path
):
    first = system.start_sample("first")
    pid_file = tmp_path / "pid"
    operation = await sample(operations, "count", file=str(pid_file))
    await until(operations, operation, has_checkpoint)
    child = int(pid_file.read_text())
    system.start_sample("second")
    killed_s = time.monotonic()
    first.end(signal.SIGKILL)
    assert wait_until(lambda: not is_alive(child), 2)
    before = (await operations.get(operation)).checkpoints["counter"]
    store = ArtifactStore.in_folder(system.folder / "store")
    count = int(store.get(parse_digest(before)))
    done = await ended(operations, operation)
    # Silence, a sweep, and a little.
    assert time.monotonic() - killed_s < STALLED_AFTER_S + 8
    assert outcomes(done) == [("first", "lost"), ("second", "completed")]
    assert done.failures == 1
    assert done.result == {"begun_at": count}
    # What the killed one left is removed by the next on that host.
    assert list((system.folder / "first" / "run" / "scratch").iterdir())
    again = system.start_sample("third", KTRDR_HOME=str(system.folder / "first"))
    assert again.end() == 0
    assert not list((system.folder / "first" / "run" / "scratch").iterdir())


async def test_sigterm_hands_back_and_ends_in_good_order(system, operations):
    first = system.start_sample("first")
    operation = await sample(operations, "count")
    await until(operations, operation, has_checkpoint)
    began_s = time.monotonic()
    assert first.end() == 0, first.text()
    assert time.monotonic() - began_s < 5
    back = await operations.get(operation)
    assert (back.state, back.attempt, back.failures) == (OperationState.PENDING, 2, 0)
    assert outcomes(back) == [("first", "handed_back")]
    assert system.row("first")["state"] == "stopped"
    system.start_sample("second")
    done = await ended(operations, operation)
    assert done.state is OperationState.COMPLETED
    assert (done.result or {})["begun_at"] > 0


async def test_sigterm_does_not_wait_for_a_store_that_hangs(system, operations):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        worker = system.start_sample(
            "first",
            KTRDR_STORE_URL="s3://bucket/store",
            AWS_ENDPOINT_URL=address,
            AWS_ACCESS_KEY_ID="key",
            AWS_SECRET_ACCESS_KEY="secret",
            AWS_REGION="us-east-1",
            KTRDR_GRACE_S="3",
        )
        operation = await sample(operations, "count")
        await until(operations, operation, lambda one: one.progress is not None)
        assert worker.end(seconds=6.0) == 0
    back = await operations.get(operation)
    assert (back.state, back.failures) == (OperationState.PENDING, 0)


async def test_a_second_signal_ends_at_once(system, operations, tmp_path):
    worker = system.start_sample("first", KTRDR_GRACE_S="60")
    pid_file = tmp_path / "pid"
    await sample(operations, "linger", file=str(pid_file))
    assert wait_until(lambda: pid_file.exists() and pid_file.read_text())
    worker.process.send_signal(signal.SIGTERM)
    assert wait_until(lambda: "stopping" in worker.text())
    assert worker.end(seconds=2) == 128 + signal.SIGTERM
    assert wait_until(lambda: not is_alive(int(pid_file.read_text())), 2)


async def test_a_job_process_that_is_killed_is_tried_again(
    system, operations, tmp_path
):
    system.start_sample("worker")
    operation = await sample(operations, "die first", file=str(tmp_path / "died"))
    done = await ended(operations, operation)
    assert done.state is OperationState.COMPLETED
    assert [one.outcome for one in done.attempts] == ["failed", "completed"]
    assert done.attempts[0].error is not None
    assert "killed by signal 9" in done.attempts[0].error.message


async def test_what_needs_a_gpu_never_lands_on_a_cpu_worker(system, operations):
    stored(system.folder / "store", BARS)
    system.start("cpu", "training", "--device", "cpu")
    for_gpu = await training(operations, queue="training-gpu", epochs=1)
    for_cpu = await training(operations, epochs=1)
    done = await ended(operations, for_cpu)
    assert done.state is OperationState.COMPLETED, done.error
    assert (await operations.get(for_gpu)).state is OperationState.PENDING


async def test_a_worker_runs_as_many_jobs_as_it_may(system, operations):
    system.start("one", "backtest", "--concurrency", "3")
    found = [await create(operations, "probe", "backtest") for _ in range(20)]
    for operation in found:
        assert (await ended(operations, operation)).state is OperationState.COMPLETED


async def test_a_worker_of_another_release_is_refused(system, database_url):
    async with connected(database_url) as database:
        await WorkerRegistry(database).announce_backend({"version": "99.0"})
    worker = system.start("old", "backtest", ready=False)
    assert worker.process.wait(30) == 16
    row = system.row("old")
    assert row["state"] == "refused"
    assert "install ktrdr 99.0" in str(row["reason"])
    assert "install ktrdr 99.0" in worker.text()


@pytest.mark.parametrize(
    "command",
    [["-m", "ktrdr", "worker", "training"], ["-m", "ktrdr.workers.training_worker"]],
    ids=["command", "module"],
)
async def test_a_training_worker_without_torch_ends_at_once(system, tmp_path, command):
    missing = "raise ModuleNotFoundError('No module named torch', name='torch')"
    (tmp_path / "torch.py").write_text(missing)
    environment = system.environment("bare", PYTHONPATH=str(tmp_path))
    worker = WorkerProcess(command, environment, tmp_path / "log")
    assert worker.process.wait(30) == 8
    assert "ktrdr[ml]" in worker.text()
    assert "ktrdr-worker-cpu" in worker.text()
    assert "Traceback" not in worker.text()
    assert system.row("bare") == {"state": None}


async def test_a_backtest_worker_needs_no_torch(system, tmp_path):
    missing = "raise ModuleNotFoundError('No module named torch', name='torch')"
    (tmp_path / "torch.py").write_text(missing)
    worker = system.start("bare", "backtest", PYTHONPATH=str(tmp_path))
    assert worker.end() == 0


async def test_a_worker_without_torch_for_its_image_is_refused(system, tmp_path):
    worker = system.start("gpu", "training", ready=False, KTRDR_ACCELERATOR="cuda")
    assert worker.process.wait(60) == 16
    assert "ktrdr-worker-gpu" in worker.text()


async def test_logs_name_operation_and_attempt(system, operations):
    worker = system.start_sample("worker", KTRDR_LOG_FORMAT="json")
    operation = await sample(operations, "die with words")
    await until(operations, operation, lambda one: one.failures >= 1)
    worker.end()
    lines = [
        json.loads(line) for line in worker.text().splitlines() if line.startswith("{")
    ]
    said = [line for line in lines if line.get("line") == "Fatal: no such kernel"]
    assert said
    assert said[0]["operation"] == operation
    assert said[0]["attempt"] == 1
    failed = next(line for line in lines if line["event"] == "attempt failed")
    assert "it last said: Fatal: no such kernel" in failed["error"]


async def test_a_worker_outlives_its_database(tmp_path):
    """PostgreSQL stops as if it crashed, under a running job, and comes back."""
    server = EmbeddedPostgres(tmp_path / "postgres", ends_with_us=True)
    server.start()
    system = System(server.url, tmp_path)
    try:
        async with connected(server.url) as database:
            await upgrade(database)
            operations = Operations(database)
            worker = system.start_sample("worker", KTRDR_STALLED_AFTER_S="30")
            operation = await sample(operations, "count")
            await until(operations, operation, has_checkpoint)
        server.stop("immediate")
        assert wait_until(lambda: "database is out of reach" in worker.text(), 30)
        server.start()
        back_at = datetime.now(UTC)
        async with connected(server.url) as database:
            operations = Operations(database)
            running = await until(
                operations, operation, lambda one: one.heartbeat_at > back_at, 20
            )
            assert (running.state, running.attempt) == (OperationState.RUNNING, 1)
            await operations.cancel(operation)
            cancelled = await ended(operations, operation)
            assert outcomes(cancelled) == [("worker", "cancelled")]
            # It takes new work, without having been started again.
            probe = await create(operations, "probe", "backtest")
            assert (await ended(operations, probe)).state is OperationState.COMPLETED
        assert worker.end() == 0, worker.text()
    finally:
        system.close()
        server.stop("immediate")


async def test_a_worker_waits_for_its_database(tmp_path):
    server = EmbeddedPostgres(tmp_path / "postgres", ends_with_us=True)
    server.start()
    async with connected(server.url) as database:
        await upgrade(database)
    server.stop()
    system = System(server.url, tmp_path)
    try:
        worker = system.start("early", "backtest", ready=False)
        assert wait_until(lambda: "waiting for the database" in worker.text(), 30)
        server.start()
        assert wait_until(lambda: system.row("early")["state"] == "ready", 15)
        assert worker.end() == 0
    finally:
        system.close()
        server.stop("immediate")
