"""The outside of a job process, for a worker that has other things to do meanwhile."""

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, Self

import structlog

from ktrdr.errors import StorageError
from ktrdr.workers.command import job_command, job_environment
from ktrdr.workers.events import JobEvent, ResultEvent, death_of, parse_event
from ktrdr.workers.lines import CHUNK_BYTES, STOP_COMMAND, LineBuffer

_N_LAST_LINES = 5
_MOST_CHARACTERS = 500
# What a dying process wrote is there at once; a child of its own may keep the pipe.
_LAST_WORDS_S = 0.2
_log = structlog.stdlib.get_logger(__name__)


class AsyncJobProcess:
    """A job in a child process, which dies with this one; ``close`` it at the end."""

    def __init__(self, module: str, process: Process, request: bytes) -> None:
        self._module = module
        self._process = process
        self._last_lines: deque[str] = deque(maxlen=_N_LAST_LINES)
        self._listening = asyncio.create_task(self._listen())
        self._send(request)

    @classmethod
    async def start(cls, module: str, request: Mapping[str, Any]) -> Self:
        """Start ``module`` in a session of its own and give it ``request``.

        Raises
        ------
        StorageError
            If the system can't start a process.
        """
        line = json.dumps(request, allow_nan=False).encode() + b"\n"
        try:
            process = await asyncio.create_subprocess_exec(
                *job_command(module),
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                start_new_session=True,
                env=job_environment(),
            )
        except OSError as error:
            raise StorageError(f"the job {module} can't be started: {error}") from error
        return cls(module, process, line)

    @property
    def pid(self) -> int:
        """Process id of the job."""
        return self._process.pid

    async def events(self) -> AsyncIterator[JobEvent]:
        """Yield events up to the result.

        Raises
        ------
        JobFailed
            If the job reports an error, or ends without a result.
        """
        buffer = LineBuffer()
        stream = self._process.stdout
        while stream is not None and (chunk := await stream.read(CHUNK_BYTES)):
            for line in buffer.feed(chunk):
                event = parse_event(line)
                yield event
                if isinstance(event, ResultEvent):
                    return
        code = await self._process.wait()
        await asyncio.wait({self._listening}, timeout=_LAST_WORDS_S)
        raise death_of(self._module, code, " / ".join(self._last_lines))

    def stop(self) -> None:
        """Ask the job to write a checkpoint and end."""
        self._send(STOP_COMMAND + b"\n")

    def terminate(self) -> None:
        """End the job at once, as the system's ``kill`` does."""
        with suppress(ProcessLookupError):
            self._process.terminate()

    def kill(self) -> None:
        """End the job, whatever it is doing."""
        with suppress(ProcessLookupError):
            self._process.kill()

    def _send(self, data: bytes) -> None:
        pipe = self._process.stdin
        if pipe is None:
            raise RuntimeError("a job process is started with a pipe to it")
        # It may have died, or be ending; reading its events tells how. Nobody waits
        # until it reads: it has to be imported first.
        if not pipe.is_closing():
            pipe.write(data)

    async def _listen(self) -> None:
        # Whatever a library prints: it must be read, or the job waits for ever.
        buffer = LineBuffer()
        stream = self._process.stderr
        while stream is not None and (chunk := await stream.read(CHUNK_BYTES)):
            for line in buffer.feed(chunk):
                text = line.decode(errors="replace").rstrip()[:_MOST_CHARACTERS]
                if text:
                    self._last_lines.append(text)
                    _log.info("job printed", line=text, pid=self.pid)

    async def close(self) -> None:
        """Kill the job if it still runs, and wait until it is gone."""
        if self._process.returncode is None:
            self.kill()
        await self._process.wait()
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
