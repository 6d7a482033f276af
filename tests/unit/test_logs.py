"""What servers and workers log, each in a process of its own."""

import json
import subprocess
import sys

CODE = """
import logging, structlog
from ktrdr.logs import set_up_logs
set_up_logs({level!r}, {form!r})
structlog.contextvars.bind_contextvars(operation="op1", attempt=2)
log = structlog.stdlib.get_logger("ktrdr.test")
log.debug("hidden")
log.info("job started", pid=7)
logging.getLogger("library").warning("it %s", "warns")
logging.getLogger("procrastinate.worker").info("every job")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("broken")
"""


def lines(form: str, level: str = "info", begin: str = "") -> list[str]:
    code = begin + CODE.format(level=level, form=form)
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_json_has_one_document_a_line_with_the_operation():
    said = [json.loads(line) for line in lines("json")]
    assert [one["event"] for one in said] == ["job started", "it warns", "broken"]
    assert {(one["operation"], one["attempt"]) for one in said} == {("op1", 2)}
    assert said[0] | {"timestamp": ""} == {
        "event": "job started",
        "level": "info",
        "logger": "ktrdr.test",
        "operation": "op1",
        "attempt": 2,
        "pid": 7,
        "timestamp": "",
    }
    assert "ZeroDivisionError" in said[2]["exception"]


def test_each_line_names_the_trace_that_it_is_part_of():
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    begin = f"""
from ktrdr.tracing import continue_trace
continue_trace("00-{trace}-00f067aa0ba902b7-01")
"""
    said = [json.loads(line) for line in lines("json", begin=begin)]
    assert len(said) == 3
    assert {one["trace_id"] for one in said} == {trace}


def test_text_is_plain_where_no_terminal_is():
    said = lines("text")
    assert "job started" in said[0]
    assert "operation=op1" in said[0]
    assert "\x1b" not in "".join(said)


def test_less_severe_lines_are_left_out():
    assert [json.loads(line)["event"] for line in lines("json", "error")] == ["broken"]
