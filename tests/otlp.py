"""A collector of traces on this machine: what programs export, as spans."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)


@dataclass(frozen=True, kw_only=True)
class ReceivedSpan:
    """A span as it came over the wire."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    is_error: bool
    about: dict[str, Any]
    seconds: float


class Collector:
    """What came so far."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._lock = Lock()
        self._spans: list[ReceivedSpan] = []

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        with self._lock:
            self._spans.extend(_spans_of(request))

    @property
    def spans(self) -> list[ReceivedSpan]:
        with self._lock:
            return [*self._spans]

    def named(self, service: str, name: str) -> list[ReceivedSpan]:
        return [one for one in self.spans if (one.service, one.name) == (service, name)]


@contextmanager
def running_collector() -> Iterator[Collector]:
    """Listen on a free port until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces"
            collector.take(body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _spans_of(request: ExportTraceServiceRequest) -> Iterator[ReceivedSpan]:
    for resource in request.resource_spans:
        service = _values(resource.resource.attributes)["service.name"]
        for scope in resource.scope_spans:
            for one in scope.spans:
                yield ReceivedSpan(
                    service=service,
                    name=one.name,
                    trace=one.trace_id.hex(),
                    id=one.span_id.hex(),
                    parent=one.parent_span_id.hex(),
                    is_error=one.status.code == one.status.STATUS_CODE_ERROR,
                    about=_values(one.attributes),
                    seconds=(one.end_time_unix_nano - one.start_time_unix_nano) / 1e9,
                )


def _values(attributes: Any) -> dict[str, Any]:
    return {
        one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes
    }
