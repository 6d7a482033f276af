"""Spans: what a program does, from when to when."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from ktrdr.tracing.exporting import is_tracing

if TYPE_CHECKING:
    from opentelemetry import trace

Value = str | bool | int | float
# Of whom: who asks, who answers, who leaves work for others, who takes it.
Kind = Literal["internal", "client", "server", "producer", "consumer"]


class Span:
    """One span, to be told what it is about; without tracing it listens to nothing."""

    def __init__(self, inner: "trace.Span | None" = None) -> None:
        self._inner = inner

    def tell(self, **about: Value | None) -> None:
        """Add attributes, named ``ktrdr.NAME``; None is left out."""
        if self._inner is not None:
            known = {f"ktrdr.{k}": v for k, v in about.items() if v is not None}
            self._inner.set_attributes(known)

    def fail(self, reason: str) -> None:
        """Say that it went wrong."""
        if self._inner is not None:
            from opentelemetry.trace import Status, StatusCode

            self._inner.set_status(Status(StatusCode.ERROR, reason))


@contextmanager
def span(
    name: str, kind: Kind = "internal", about: Mapping[str, Value] | None = None
) -> Iterator[Span]:
    """Make the block a span of the current trace; an exception is noted there.

    Parameters
    ----------
    name : str
        One of few: ids belong into attributes.
    about : mapping
        Attributes that OpenTelemetry's conventions name; ``tell`` is for ours.
    """
    if not is_tracing():
        yield Span()
        return
    from opentelemetry import trace

    begun = trace.get_tracer("ktrdr").start_as_current_span(
        name, kind=trace.SpanKind[kind.upper()], attributes=about
    )
    with begun as inner:
        yield Span(inner)


class Steps:
    """Spans one after the other: each ends where the next begins."""

    def __init__(self) -> None:
        self._inner: trace.Span | None = None

    def begin(self, name: str) -> None:
        """End the last step and begin the next."""
        self.end()
        if is_tracing():
            from opentelemetry import trace

            self._inner = trace.get_tracer("ktrdr").start_span(name)

    def end(self) -> None:
        """End the last step."""
        if self._inner is not None:
            self._inner.end()
            self._inner = None
