"""One trace joins all programs, logs name it, and figures are what dashboards ask."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.watched import WatchedSystem, watched_system
from tests.observed import OF_PROMETHEUS, asked_by, expressions
from tests.otlp import ReceivedSpan

pytestmark = pytest.mark.slow
PAGE = Path(__file__).parents[2] / "docs" / "observability.md"

OUTER = "4bf92f3577b34da6a3ce929d0e0e4736"
OUTER_SPAN = "00f067aa0ba902b7"


@dataclass(frozen=True, kw_only=True)
class Done(WatchedSystem):
    """A system that has ended, what it told Prometheus before, and what it did."""

    told: str
    n_bars: int

    def families(self) -> list[Metric]:
        return [*text_string_to_metric_families(self.told)]


@pytest.fixture(scope="module")
def done(postgres_server, tmp_path_factory) -> Iterator[Done]:
    """A system in which a model was trained and backtested, and which has ended."""
    with (
        postgres_server.database() as url,
        watched_system(url, tmp_path_factory.mktemp("watched")) as system,
    ):
        system.command("train", "small")
        outer = f"00-{OUTER}-{OUTER_SPAN}-01"
        result = system.command("backtest", "small@1", "--json", TRACEPARENT=outer)
        n_bars = json.loads(result.stdout)["manifest"]["period"]["n_bars"]
        system.command("ops", "show", "nothing", exit_code=6)
        told = system.figures()
        system.stop()
        yield Done(**vars(system), told=told, n_bars=n_bars)


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


def test_a_commands_own_jobs_are_part_of_its_trace(done):
    stop = "backtest.stops.stop_loss=0.002,0.004"
    done.command_here("sweep", "--model", "small@1", "--set", stop, "--jobs", "2")
    (last,) = done.collector.named("ktrdr-job", "run_study_job")
    trials = done.collector.named("ktrdr-job", "run_trials_job")
    assert trials
    for job in (last, *trials):
        assert ancestors(done, job)[1:] == [("ktrdr-cli", "ktrdr sweep")]


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


def test_every_metric_that_a_dashboard_or_alert_names_is_exported(done):
    labels: dict[str, set[str]] = {"up": set()}
    values = {("job", "backend"), ("job", "workers")}
    for family in done.families():
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
            values |= set(sample.labels.items())
    for place, expression in expressions():
        asked = asked_by(expression)
        assert asked.metrics <= labels.keys(), place
        known = set().union(*(labels[name] for name in asked.metrics))
        assert asked.labels <= known | OF_PROMETHEUS, place
        # States are told even when nothing is in them.
        states = {one for one in asked.values if one[0] in ("state", "job")}
        assert states <= values, place


def test_figures_tell_of_the_work_that_was_done(done):
    found = {
        (sample.name, sample.labels.get("kind")): sample.value
        for family in done.families()
        for sample in family.samples
        if sample.name.startswith("ktrdr_worker_")
    }
    assert found["ktrdr_worker_bars_total", "backtest"] == done.n_bars
    assert found["ktrdr_worker_samples_total", "training"] > 1000
    assert found["ktrdr_worker_wait_seconds_count", "training"] == 1
    assert found["ktrdr_worker_job_seconds_count", "backtest"] == 1


def test_every_metric_is_documented(done):
    rows = re.findall(r"^\| `(ktrdr_\w+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert len(rows) == len(set(rows))
    exported = {name_of(family) for family in done.families()}
    assert set(rows) == {name for name in exported if name.startswith("ktrdr_")}


def name_of(family: Metric) -> str:
    """Return a metric as queries name it; a histogram without its parts' endings."""
    return f"{family.name}_total" if family.type == "counter" else family.name
