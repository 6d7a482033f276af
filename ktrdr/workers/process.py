"""The outside of a job process: start it, follow its events, stop it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from types import TracebackType
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from ktrdr.errors import Handling, JobFailed
from ktrdr.schemas import Part

_STOP_GRACE_S = 5.0
# Threads that spin while they wait slow a busy neighbour many times; one is enough
# for matrices as small as ours.
_CALM_THREADS = {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1"}
# By the system, for example when memory runs out.
_KILLED = -9
_DIED = Handling(code="job_died", exit_code=1, http_status=500, retry=True)


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PhaseEvent(_Event):
    """A phase begins."""

    event: Literal["phase"]
    name: str
    total: int | None
    unit: str


class AdvanceEvent(_Event):
    """So much of the phase is done."""

    event: Literal["advance"]
    done: int
    message: str


class NoteEvent(_Event):
    """One thing worth keeping."""

    event: Literal["note"]
    message: str


class ResultEvent(_Event):
    """The job is finished."""

    event: Literal["result"]
    result: dict[str, object]


class ErrorEvent(_Event):
    """The job failed."""

    event: Literal["error"]
    message: str
    code: str
    exit_code: int
    http_status: int
    retry: bool


JobEvent = PhaseEvent | AdvanceEvent | NoteEvent | ResultEvent
_ANY_EVENT: TypeAdapter[JobEvent | ErrorEvent] = TypeAdapter(JobEvent | ErrorEvent)


class JobProcess:
    """A job in a child process, which dies with this one.

    Use it as a context manager: leaving it ends a job that still runs.
    """

    def __init__(self, module: str, request: Part) -> None:
        self._module = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            # Ctrl-C reaches the whole terminal; the parent decides what it means.
            start_new_session=True,
            env={**_CALM_THREADS, **os.environ},
        )
        self._send(json.dumps(request.model_dump(mode="json")) + "\n")

    @property
    def pid(self) -> int:
        """Process id of the job."""
        return self._process.pid

    def events(self) -> Iterator[JobEvent]:
        """Yield events up to the result.

        Raises
        ------
        JobFailed
            If the job reports an error, or ends without a result.
        """
        for line in self._process.stdout or ():
            event = _ANY_EVENT.validate_json(line)
            if isinstance(event, ErrorEvent):
                fields = event.model_dump(exclude={"event", "message"})
                raise JobFailed(event.message, Handling(**fields))
            yield event
            if isinstance(event, ResultEvent):
                return
        code = self._process.wait()
        ended = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
        memory = "; was there too little memory?" if code == _KILLED else ""
        raise JobFailed(
            f"the process of the job {self._module} {ended} and gave no result{memory}",
            _DIED,
        )

    def _send(self, line: str) -> None:
        pipe = self._process.stdin
        if pipe is None:
            raise RuntimeError("a job process is started with a pipe to it")
        try:
            pipe.write(line)
            pipe.flush()
        except BrokenPipeError:
            pass  # It died while starting; reading its events tells how.

    def __enter__(self) -> "JobProcess":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._process.terminate()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(_STOP_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
