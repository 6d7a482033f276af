"""What a process exports, each in a process of its own."""

import socket
import subprocess
import sys

import pytest

from tests.otlp import running_collector

CODE = """
import sys
from ktrdr.tracing import Steps, current_trace_id, span, start_tracing, stop_tracing

start_tracing("a-program", {endpoint!r})
with span("outer", "client", {{"url.path": "/x"}}) as told:
    told.tell(operation="op1", nothing=None, attempt=2)
    steps = Steps()
    for name in ("first", "second"):
        steps.begin(name)
    steps.end()
    try:
        with span("inner"):
            raise ValueError("broken")
    except ValueError:
        pass
    print(current_trace_id())
stop_tracing()
print("opentelemetry.sdk" in sys.modules)
"""


def run(endpoint: str | None) -> list[str]:
    command = [sys.executable, "-c", CODE.format(endpoint=endpoint)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_without_a_collector_nothing_is_made_or_loaded():
    assert run(None) == ["None", "False"]


def test_spans_arrive_with_what_they_were_told():
    with running_collector() as collector:
        trace, is_loaded = run(collector.url + "/")
        spans = {one.name: one for one in collector.spans}
    assert is_loaded == "True"
    assert {one.trace for one in spans.values()} == {trace}
    assert {one.service for one in spans.values()} == {"a-program"}
    outer = spans.pop("outer")
    assert outer.about == {
        "url.path": "/x",
        "ktrdr.operation": "op1",
        "ktrdr.attempt": 2,
    }
    assert (outer.parent, outer.is_error) == ("", False)
    assert {name: one.is_error for name, one in spans.items()} == {
        "first": False,
        "second": False,
        "inner": True,
    }
    assert {one.parent for one in spans.values()} == {outer.id}


def test_a_collector_that_is_away_spoils_no_command(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "ktrdr", "ops", "list", "--url", "http://127.0.0.1:9"],
        env={
            "PATH": "",
            "KTRDR_HOME": str(tmp_path),
            "KTRDR_OTLP_ENDPOINT": "http://127.0.0.1:9",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 18
    assert done.stderr.startswith("Error: the backend at http://127.0.0.1:9")
    assert done.stderr.count("\n") == 1


# Sends a span to where nobody listens.
TO_NOBODY = """
import sys
from ktrdr.tracing import span, start_tracing, stop_tracing
start_tracing("ktrdr-job", sys.argv[1], is_silent=bool(sys.argv[2:]))
with span("work"):
    pass
stop_tracing(within_s=30)
"""


@pytest.mark.parametrize("is_silent", [True, False], ids=["silent", "telling"])
def test_a_collector_that_is_away_is_told_where_nobody_asked_for_silence(is_silent):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        endpoint = f"http://127.0.0.1:{gone.getsockname()[1]}"
    done = subprocess.run(
        [sys.executable, "-c", TO_NOBODY, endpoint, *["silent"] * is_silent],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert bool(done.stderr) != is_silent
