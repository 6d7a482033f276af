"""Sending spans to a collector."""

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_PATH = "/v1/traces"
# Beyond it a collector counts as away, and what was to be sent is lost.
_EXPORT_S = 5.0
_FLUSH_S = 1.0

_provider: "TracerProvider | None" = None


def start_tracing(
    service: str, endpoint: str | None, *, is_silent: bool = False
) -> None:
    """Export the spans of this process from now on; without an endpoint, do nothing.

    Parameters
    ----------
    service : str
        Name of the program, such as ``ktrdr-worker``.
    endpoint : str or None
        URL of the collector, to which ``/v1/traces`` is added.
    is_silent : bool
        Whether it says nothing of a collector that is away, as what the process prints
        is for people who asked for something else.
    """
    global _provider
    if endpoint is None or _provider is not None:
        return
    import logging
    import socket
    from importlib.metadata import version

    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    if is_silent:
        logging.getLogger("opentelemetry").propagate = False
        logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
    resource = Resource.create(
        {
            "service.name": service,
            "service.version": version("ktrdr"),
            "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
        }
    )
    # Whoever ends a process says how long it may wait; nothing waits at exit.
    _provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(
        endpoint=endpoint.rstrip("/") + _PATH, timeout=_EXPORT_S
    )
    _provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(_provider)


def is_tracing() -> bool:
    """Return whether spans are exported."""
    return _provider is not None


def flush_traces(within_s: float = _FLUSH_S) -> None:
    """Send what has ended, and wait for that, but not long for a collector."""
    if _provider is not None:
        _wait_for(_provider.force_flush, within_s)


def stop_tracing(within_s: float = _FLUSH_S) -> None:
    """Send what has ended, for the last time; what is not sent by then is lost."""
    if _provider is not None:
        _wait_for(_provider.shutdown, within_s)


def _wait_for(action: Callable[[], object], within_s: float) -> None:
    # The library's own limits don't hold for a collector that keeps silent.
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    thread.join(within_s)
