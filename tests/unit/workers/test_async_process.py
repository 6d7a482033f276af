"""The asynchronous outside of a job process, with a real child each time."""

import asyncio
import os
import signal
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ktrdr.errors import JobFailed
from ktrdr.workers import AdvanceEvent, CheckpointEvent, JobEvent, ResultEvent
from ktrdr.workers.async_process import AsyncJobProcess
from tests.unit.workers.processes import is_alive
from tests.unit.workers.sample_jobs import LONG

MODULE = "tests.unit.workers.sample_jobs"
pytestmark = pytest.mark.anyio


@asynccontextmanager
async def started(behaviour: str, **fields):
    request = {"behaviour": behaviour, **fields}
    process = await AsyncJobProcess.start(MODULE, request)
    try:
        yield process
    finally:
        await process.close()


async def events_of(behaviour: str, **fields) -> list[JobEvent]:
    async with started(behaviour, **fields) as process:
        return [event async for event in process.events()]


async def stop_at_twenty(process: AsyncJobProcess, told: list[JobEvent]) -> None:
    async for event in process.events():
        told.append(event)
        if isinstance(event, AdvanceEvent) and event.done > 20:
            process.stop()


async def read(process: AsyncJobProcess) -> None:
    async for _ in process.events():
        pass


async def test_lines_of_megabytes_pass_both_ways():
    # More than a pipe and any buffer of the library hold.
    result = (await events_of("long", file="y" * LONG))[-1]
    assert isinstance(result, ResultEvent)
    assert result.result["given"] == LONG
    assert len(str(result.result["text"])) == LONG


async def test_an_error_keeps_its_handling():
    with pytest.raises(JobFailed, match="found a hole") as caught:
        await events_of("data error")
    assert caught.value.handling.code == "data_invalid"
    assert not caught.value.handling.retry


async def test_last_words_of_a_job_that_dies_are_told():
    with pytest.raises(
        JobFailed, match=r"ended with 7 .* last said: Fatal: no such kernel"
    ) as caught:
        await events_of("die with words")
    assert caught.value.handling.retry


async def test_stop_brings_a_checkpoint_and_then_the_end(tmp_path):
    told: list[JobEvent] = []
    async with started("count", checkpoints=str(tmp_path)) as process:
        with pytest.raises(JobFailed, match="stopped at") as caught:
            await stop_at_twenty(process, told)
    assert caught.value.handling.code == "stopped"
    kept = [event for event in told if isinstance(event, CheckpointEvent)]
    assert f"stopped at {kept[-1].path.read_text()}" == str(caught.value)


async def test_a_stop_that_comes_with_the_request_is_heard(tmp_path):
    async with started("count", checkpoints=str(tmp_path)) as process:
        process.stop()
        with pytest.raises(JobFailed, match="stopped at"):
            await read(process)


@pytest.mark.parametrize("way", ["close", "terminate", "kill"])
async def test_a_job_that_heeds_nothing_is_ended(tmp_path, way):
    pid_file = tmp_path / "pid"
    async with started("linger", file=str(pid_file)) as process:
        reading = asyncio.create_task(anext(aiter(process.events())))
        await reading
        began_s = time.monotonic()
        if way == "close":
            await process.close()
        else:
            getattr(process, way)()
            with pytest.raises(JobFailed, match="killed by signal"):
                await read(process)
        assert time.monotonic() - began_s < 1
        assert not is_alive(process.pid)
    # Ending it once more is no error.
    process.kill()


async def test_the_job_has_a_session_of_its_own_and_no_secrets(tmp_path, monkeypatch):
    secrets = ("KTRDR_DATABASE_URL", "KTRDR_API_TOKEN")
    # The trace that the worker was started in is not that of its jobs either.
    for name in (*secrets, "TRACEPARENT"):
        monkeypatch.setenv(name, "secret")
    async with started("linger", file=str(tmp_path / "pid")) as process:
        await anext(aiter(process.events()))
        assert os.getsid(process.pid) == process.pid != os.getsid(0)
        environment = Path(f"/proc/{process.pid}/environ").read_bytes()
        for name in (*secrets, "TRACEPARENT"):
            assert name.encode() not in environment
        os.kill(process.pid, signal.SIGKILL)


async def test_what_is_no_event_is_the_jobs_failure(tmp_path, monkeypatch):
    (tmp_path / "odd_job.py").write_text('print(\'{"event": "dance"}\')')
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    process = await AsyncJobProcess.start("odd_job", {})
    with pytest.raises(JobFailed, match="no event"):
        await read(process)
    await process.close()
