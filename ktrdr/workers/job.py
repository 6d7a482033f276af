"""The inside of a job process: one request in, events and one result out.

The parent writes the request as one line of JSON to standard input and keeps that
pipe open; when it closes, the parent is gone and the job ends at once. Events leave
as lines of JSON on what was standard output; whatever else prints goes to standard
error, so that no library can spoil the stream.
"""

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import IO, TypeVar

from pydantic import BaseModel

from ktrdr.errors import handling_of, is_defect, message_of
from ktrdr.progress import Progress

RequestT = TypeVar("RequestT", bound=BaseModel)
# A step of a fast loop is not worth a line; ten lines a second look continuous.
_LEAST_SECONDS_BETWEEN_STEPS = 0.1
_PARENT_GONE_EXIT_CODE = 129


class EventStream:
    """Writes a job's events; a ``Progress`` for the pipeline."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._last_step_s = 0.0

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


def job_main(
    request_type: type[RequestT],
    handler: Callable[[RequestT, Progress], Mapping[str, object]],
) -> int:
    """Run one job of this process and return its exit code."""
    # The pipe itself becomes the event stream; stray prints go to standard error.
    events = EventStream(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)
    line = sys.stdin.buffer.readline()
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    try:
        result = handler(request_type.model_validate_json(line), events)
    except Exception as error:
        handling = handling_of(error)
        if is_defect(error):
            traceback.print_exc()
        events.write("error", message=message_of(error), **asdict(handling))
        return handling.exit_code
    events.write("result", result=dict(result))
    return 0


def _exit_with_parent() -> None:
    # Raw reads: a thread blocked in a buffered read would hold that buffer's lock
    # when the interpreter shuts down, which Python answers with an abort.
    while os.read(0, 4096):
        pass
    os._exit(_PARENT_GONE_EXIT_CODE)
