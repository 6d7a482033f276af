"""Traces: which program did what for a request, and how long each took.

Spans of OpenTelemetry, exported by OTLP over HTTP where KTRDR_OTLP_ENDPOINT says so.
Where it does not, nothing is imported and ``span`` costs nothing.
"""

from ktrdr.tracing.context import (
    TRACEPARENT_VARIABLE,
    continue_trace,
    current_trace_id,
    current_traceparent,
)
from ktrdr.tracing.exporting import flush_traces, start_tracing, stop_tracing
from ktrdr.tracing.spans import Span, Steps, span

__all__ = [
    "TRACEPARENT_VARIABLE",
    "Span",
    "Steps",
    "continue_trace",
    "current_trace_id",
    "current_traceparent",
    "flush_traces",
    "span",
    "start_tracing",
    "stop_tracing",
]
