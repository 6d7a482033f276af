"""The inside of a job process: one request in, events and one result out.

The parent writes the request as one line of JSON to standard input and keeps that
pipe open; further lines are commands, of which there is one: ``{"command": "stop"}``.
When the pipe closes, the parent is gone and the job ends at once. Events leave as
lines of JSON on what was standard output; whatever else prints goes to standard
error, so that no library can spoil the stream.
"""

import json
import os
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, TypeVar

from pydantic import BaseModel

from ktrdr.errors import handling_of, is_defect, message_of
from ktrdr.progress import Progress, Unit
from ktrdr.tracing import (
    TRACEPARENT_VARIABLE,
    Steps,
    continue_trace,
    flush_traces,
    span,
    start_tracing,
)
from ktrdr.workers.lines import CHUNK_BYTES, STOP_COMMAND, LineBuffer

RequestT = TypeVar("RequestT", bound=BaseModel)
# A step of a fast loop is not worth a line; ten lines a second look continuous.
_LEAST_SECONDS_BETWEEN_STEPS = 0.1
_LEAST_SECONDS_BETWEEN_COUNTS = 1.0
_PARENT_GONE_EXIT_CODE = 129


class EventStream:
    """Writes a job's events; a ``Progress`` for the pipeline."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._last_step_s = self._last_count_s = 0.0
        self._uncounted: Counter[Unit] = Counter()
        self._steps = Steps()
        self._stop = threading.Event()

    def write(self, event: str, **fields: object) -> None:
        """Write one event as a line of JSON."""
        line = json.dumps({"event": event, **fields}, allow_nan=False)
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except BrokenPipeError:
            os._exit(_PARENT_GONE_EXIT_CODE)

    def phase(self, name: str, total: int | None = None, unit: str = "") -> None:
        """Tell that a phase begins."""
        self._last_step_s = 0.0
        self._steps.begin(name)
        self.write("phase", name=name, total=total, unit=unit)

    def advance(self, done: int, message: str = "") -> None:
        """Tell how far the phase is, ten times a second at most."""
        now_s = time.monotonic()
        if now_s - self._last_step_s >= _LEAST_SECONDS_BETWEEN_STEPS:
            self._last_step_s = now_s
            self.write("advance", done=done, message=message)

    def note(self, message: str) -> None:
        """Tell one thing worth keeping."""
        self.write("note", message=message)

    def work(self, unit: Unit, n: int) -> None:
        """Count what went through, told once a second at most."""
        self._uncounted[unit] += n
        if time.monotonic() - self._last_count_s >= _LEAST_SECONDS_BETWEEN_COUNTS:
            self._tell_work()

    def finish(self) -> None:
        """End the last phase, and tell what was counted and not told."""
        self._steps.end()
        self._tell_work()

    def _tell_work(self) -> None:
        self._last_count_s = time.monotonic()
        for unit, n in self._uncounted.items():
            self.write("work", unit=unit, n=n)
        self._uncounted.clear()

    def checkpoint(self, name: str, path: Path) -> None:
        """Tell where the newest checkpoint of ``name`` lies."""
        self.write("checkpoint", name=name, path=str(path))

    def should_stop(self) -> bool:
        """Return whether the parent asked to stop."""
        return self._stop.is_set()

    def ask_to_stop(self) -> None:
        """Let ``should_stop`` return True from now on."""
        self._stop.set()


def job_main(
    request_type: type[RequestT],
    handler: Callable[[RequestT, Progress], Mapping[str, object]],
) -> int:
    """Run one job of this process and return its exit code."""
    # The pipe itself becomes the event stream; stray prints go to standard error.
    events = EventStream(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)
    lines = _input_lines()
    line = next(lines, b"")
    threading.Thread(target=_obey, args=(lines, events), daemon=True).start()
    try:
        with _traced(handler.__name__):
            try:
                result = handler(request_type.model_validate_json(line), events)
            finally:
                events.finish()
    except Exception as error:
        return _tell_failure(events, error)
    events.write("result", result=dict(result))
    return 0


@contextmanager
def _traced(name: str) -> Iterator[None]:
    """Make the block a span of the trace that the parent is in, if it is in one."""
    traceparent = os.environ.get(TRACEPARENT_VARIABLE)
    if traceparent is None:
        yield
        return
    # Not before: it takes as long to import as a small backtest's beginning.
    from ktrdr.settings import settings

    continue_trace(traceparent)
    # A worker tells it itself.
    start_tracing("ktrdr-job", settings().otlp_endpoint, is_silent=True)
    try:
        with span(name) as told:
            told.tell(pid=os.getpid())
            yield
    finally:
        # Before the result is told, after which the parent ends this process.
        flush_traces()


def _tell_failure(events: EventStream, error: Exception) -> int:
    handling = handling_of(error)
    if is_defect(error):
        traceback.print_exc()
    # Memory may be there another time, or on another machine.
    retry = handling.retry or isinstance(error, MemoryError)
    fields = {**asdict(handling), "retry": retry}
    events.write("error", message=message_of(error), **fields)
    return handling.exit_code


def _input_lines() -> Iterator[bytes]:
    # Raw reads: a thread blocked in a buffered read would hold that buffer's lock
    # when the interpreter shuts down, which Python answers with an abort.
    buffer = LineBuffer()
    while chunk := os.read(0, CHUNK_BYTES):
        yield from buffer.feed(chunk)


def _obey(lines: Iterator[bytes], events: EventStream) -> None:
    for line in lines:
        if line == STOP_COMMAND:
            events.ask_to_stop()
    os._exit(_PARENT_GONE_EXIT_CODE)
