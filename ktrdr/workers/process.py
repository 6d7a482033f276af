"""The outside of a job process, for a command that has nothing else to do."""

import json
import subprocess
from collections.abc import Iterator
from types import TracebackType

from ktrdr.schemas import Part
from ktrdr.workers.command import job_command, job_environment
from ktrdr.workers.events import JobEvent, ResultEvent, death_of, parse_event

_STOP_GRACE_S = 5.0


class JobProcess:
    """A job in a child process, which dies with this one.

    Use it as a context manager: leaving it ends a job that still runs.
    """

    def __init__(self, module: str, request: Part) -> None:
        self._module = module
        self._process = subprocess.Popen(
            job_command(module),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            # Ctrl-C reaches the whole terminal; the parent decides what it means.
            start_new_session=True,
            env=job_environment(),
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
            event = parse_event(line)
            yield event
            if isinstance(event, ResultEvent):
                return
        raise death_of(self._module, self._process.wait())

    def terminate(self) -> None:
        """End the job at once; whoever reads its events is told that it died."""
        self._process.terminate()

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
