"""Where in a trace a program is, without any exporter."""

from contextvars import copy_context

import pytest

from ktrdr.tracing import continue_trace, current_trace_id, current_traceparent

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def after(traceparent: str | None) -> tuple[str | None, str | None]:
    """Return where one is who goes on with a trace; nobody else notices."""

    def inside() -> tuple[str | None, str | None]:
        continue_trace(traceparent)
        return current_traceparent(), current_trace_id()

    return copy_context().run(inside)


def test_nobody_is_in_a_trace_at_first():
    assert current_traceparent() is None
    assert after(None) == (None, None)


def test_a_trace_is_passed_on_as_it_came():
    assert after(TRACEPARENT) == (TRACEPARENT, "4bf92f3577b34da6a3ce929d0e0e4736")
    assert current_traceparent() is None


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "something",
        TRACEPARENT.upper(),
        f"{TRACEPARENT}-more",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
    ],
)
def test_what_is_no_trace_changes_nothing(wrong):
    assert after(wrong) == (None, None)
