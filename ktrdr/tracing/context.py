"""Where in a trace a program is, as W3C's ``traceparent`` tells it to the next one."""

import sys

# How a process that is started is told, by OpenTelemetry's convention.
TRACEPARENT_VARIABLE = "TRACEPARENT"


def current_traceparent() -> str | None:
    """Return the current span as the header ``traceparent``; None outside of one."""
    # Who has not loaded it has begun no span.
    if "opentelemetry.trace" not in sys.modules:
        return None
    from opentelemetry import trace

    here = trace.get_current_span().get_span_context()
    if not here.is_valid:
        return None
    trace_id = trace.format_trace_id(here.trace_id)
    span_id = trace.format_span_id(here.span_id)
    return f"00-{trace_id}-{span_id}-{here.trace_flags:02x}"


def current_trace_id() -> str | None:
    """Return the id of the current trace, 32 hexadecimal digits; None outside."""
    here = current_traceparent()
    return None if here is None else here.split("-")[1]


def continue_trace(traceparent: str | None) -> None:
    """Let the rest of this task, or of this process, be part of a trace.

    Needs no exporter: what comes in is passed on and logged. None, and what is no
    ``traceparent``, changes nothing.
    """
    if traceparent is None:
        return
    from opentelemetry import context
    from opentelemetry.trace.propagation.tracecontext import (
        TraceContextTextMapPropagator,
    )

    carrier = {"traceparent": traceparent}
    context.attach(TraceContextTextMapPropagator().extract(carrier))
