"""One trace joins all programs that work for a command, and their logs name it."""

import json
from collections.abc import Iterator

import pytest

from tests.integration.watched import WatchedSystem, watched_system
from tests.otlp import ReceivedSpan

# What its tests share is costly: one process makes it once.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("traces")]

OUTER = "4bf92f3577b34da6a3ce929d0e0e4736"
OUTER_SPAN = "00f067aa0ba902b7"


@pytest.fixture(scope="module")
def done(postgres_server, tmp_path_factory) -> Iterator[WatchedSystem]:
    """A system in which a model was trained and backtested, and which has ended."""
    with (
        postgres_server.database() as url,
        watched_system(url, tmp_path_factory.mktemp("watched")) as system,
    ):
        system.command("train", "small")
        outer = f"00-{OUTER}-{OUTER_SPAN}-01"
        system.command("backtest", "small@1", TRACEPARENT=outer)
        system.command("ops", "show", "nothing", exit_code=6)
        system.stop()
        yield system


def ancestors(system: WatchedSystem, last: ReceivedSpan) -> list[tuple[str, str]]:
    """Return who made the span, who made that one, and so on."""
    known = {one.id: one for one in system.collector.spans}
    line = [last]
    while line[-1].parent in known:
        line.append(known[line[-1].parent])
    assert len({one.trace for one in line}) == 1
    return [(one.service, one.name) for one in line]


def operation_span(system: WatchedSystem, name: str) -> ReceivedSpan:
    (found,) = system.collector.named("ktrdr-worker", name)
    return found


def test_a_training_is_one_trace_from_the_command_to_the_job(done):
    (job,) = done.collector.named("ktrdr-job", "run_training_job")
    assert ancestors(done, job) == [
        ("ktrdr-job", "run_training_job"),
        ("ktrdr-worker", "attempt training"),
        ("ktrdr-backend", "create training"),
        ("ktrdr-backend", "POST /api/v1/trainings"),
        ("ktrdr-cli", "POST"),
        ("ktrdr-cli", "ktrdr train"),
    ]
    (command,) = done.collector.named("ktrdr-cli", "ktrdr train")
    assert (command.parent, command.is_error) == ("", False)
    assert command.seconds > job.seconds


def test_phases_of_a_job_are_its_parts(done):
    (job,) = done.collector.named("ktrdr-job", "run_training_job")
    parts = [one for one in done.collector.spans if one.parent == job.id]
    names = {one.name for one in parts}
    assert {"read data", "train linear", "train mlp", "measure and store"} <= names
    assert sum(one.seconds for one in parts) <= job.seconds


def test_an_attempt_tells_which_operation_it_is_and_how_it_ended(done):
    about = operation_span(done, "attempt training").about
    assert about["ktrdr.attempt"] == 1
    assert about["ktrdr.outcome"] == "completed"
    assert about["ktrdr.worker"] == "trains"
    assert about["ktrdr.queue"] == "training-cpu"
    (created,) = done.collector.named("ktrdr-backend", "create training")
    assert about["ktrdr.operation"] == created.about["ktrdr.operation"]


def test_a_command_goes_on_with_the_trace_that_it_was_started_in(done):
    attempt = operation_span(done, "attempt backtest")
    assert attempt.trace == OUTER
    (command,) = done.collector.named("ktrdr-cli", "ktrdr backtest")
    assert (command.trace, command.parent) == (OUTER, OUTER_SPAN)


def test_a_command_that_fails_says_so(done):
    (command,) = done.collector.named("ktrdr-cli", "ktrdr ops show")
    assert command.is_error
    assert command.about["ktrdr.exit_code"] == 6


def test_every_line_of_an_attempt_names_operation_attempt_and_trace(done):
    span = operation_span(done, "attempt training")
    lines = [json.loads(line) for line in done.log("trains").splitlines()]
    told = [line["event"] for line in lines]
    first, last = told.index("job started"), told.index("attempt ended")
    assert first < last
    for line in lines[first : last + 1]:
        assert line["operation"] == span.about["ktrdr.operation"]
        assert line["attempt"] == 1
        assert line["trace_id"] == span.trace


def test_the_backend_logs_the_trace_of_a_request_and_traces_no_health_checks(done):
    (request,) = done.collector.named("ktrdr-backend", "POST /api/v1/trainings")
    assert f"trace_id={request.trace}" in done.backend.log
    names = {one.name for one in done.collector.spans if one.service == "ktrdr-backend"}
    assert not [name for name in names if "health" in name or "metrics" in name]
