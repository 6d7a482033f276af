"""A job process, with a real child each time."""

import os
import signal
import subprocess
import sys

import pytest

from ktrdr.errors import JobFailed, handling_of
from ktrdr.schemas import TrainingRequest
from ktrdr.workers import (
    AdvanceEvent,
    CheckpointEvent,
    JobEvent,
    JobProcess,
    NoteEvent,
    PhaseEvent,
    ResultEvent,
    WorkEvent,
)
from tests.unit.workers.processes import is_alive, wait_until
from tests.unit.workers.sample_jobs import SampleRequest

MODULE = "tests.unit.workers.sample_jobs"


def events_of(behaviour: str) -> list[JobEvent]:
    with JobProcess(MODULE, SampleRequest(behaviour=behaviour)) as job:
        return list(job.events())


def failure_of(behaviour: str) -> JobFailed:
    with pytest.raises(JobFailed) as caught:
        events_of(behaviour)
    return caught.value


def test_events_arrive_in_order_and_end_with_the_result():
    assert events_of("finish") == [
        PhaseEvent(event="phase", name="working", total=3, unit="steps"),
        AdvanceEvent(event="advance", done=1, message="first"),
        NoteEvent(event="note", message="noted"),
        ResultEvent(event="result", result={"answer": 42}),
    ]


def test_what_a_library_prints_does_not_disturb_the_events():
    assert isinstance(events_of("print")[-1], ResultEvent)


def test_what_went_through_is_told_whole_though_not_at_once():
    told = [one for one in events_of("work") if isinstance(one, WorkEvent)]
    assert sum(one.n for one in told if one.unit == "bars") == 500
    assert sum(one.n for one in told if one.unit == "samples") == 7
    assert len(told) < 6


def test_an_input_error_keeps_its_code_and_message():
    error = failure_of("data error")
    assert str(error) == "found a hole: expected none"
    assert (handling_of(error).code, handling_of(error).exit_code) == (
        "data_invalid",
        4,
    )
    assert not handling_of(error).retry


def test_a_defect_is_reported_as_internal(capfd):
    error = failure_of("defect")
    assert str(error) == "ZeroDivisionError: division by zero"
    assert handling_of(error).code == "internal"
    assert "Traceback" in capfd.readouterr().err


def test_a_full_disk_is_told_without_a_traceback(capfd):
    error = failure_of("full disk")
    assert str(error) == "[Errno 28] No space left on device"
    assert handling_of(error).code == "storage_failed"
    assert "Traceback" not in capfd.readouterr().err


def test_a_job_that_dies_says_by_which_signal_and_may_be_retried():
    error = failure_of("die")
    assert "killed by signal 9" in str(error)
    assert handling_of(error).retry


def test_a_request_that_does_not_fit_is_refused():
    wrong = TrainingRequest(strategy="x", store="s", checkpoints="c")
    with JobProcess(MODULE, wrong) as job, pytest.raises(JobFailed, match="behaviour"):
        list(job.events())


def test_a_job_without_a_parent_that_stops_it_tells_its_checkpoints(tmp_path):
    request = SampleRequest(behaviour="count", checkpoints=str(tmp_path))
    path = tmp_path / "counter.safetensors"
    with JobProcess(MODULE, request) as job:
        told = next(one for one in job.events() if isinstance(one, CheckpointEvent))
        assert told == CheckpointEvent(event="checkpoint", name="counter", path=path)
        assert path.exists()


def test_leaving_by_an_exception_ends_the_job(tmp_path):
    request = SampleRequest(behaviour="linger", file=str(tmp_path / "pid"))

    def interrupt() -> None:
        with JobProcess(MODULE, request) as job:
            for event in job.events():
                if isinstance(event, AdvanceEvent):
                    pids.append(job.pid)
                    raise KeyboardInterrupt

    pids: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert pids
    assert not is_alive(pids[0])


def test_a_job_ends_when_its_parent_is_killed(tmp_path):
    pid_file = tmp_path / "pid"
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from ktrdr.workers import JobProcess\n"
            "from tests.unit.workers.sample_jobs import SampleRequest\n"
            f"job = JobProcess({MODULE!r}, SampleRequest(behaviour='linger', "
            f"file={str(pid_file)!r}))\n"
            "list(job.events())",
        ]
    )
    assert wait_until(lambda: pid_file.exists() and bool(pid_file.read_text()))
    child = int(pid_file.read_text())
    assert is_alive(child)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    assert wait_until(lambda: not is_alive(child))


def test_a_training_without_torch_names_the_extra(tmp_path, monkeypatch):
    missing = "raise ModuleNotFoundError('No module named torch', name='torch')"
    (tmp_path / "torch.py").write_text(missing)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    request = TrainingRequest(strategy="x", store="s", checkpoints="c")
    with (
        JobProcess("ktrdr.workers.training_job", request) as job,
        pytest.raises(JobFailed, match=r"install ktrdr\[ml\]") as caught,
    ):
        list(job.events())
    assert handling_of(caught.value).code == "missing_extra"
