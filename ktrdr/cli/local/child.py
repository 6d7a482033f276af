"""One process that is started again when it dies."""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from ktrdr.cli.local.lifeline import LIFELINE
from ktrdr.cli.local.plan import Program

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
# Whoever ran that long is forgiven earlier deaths.
_STEADY_S = 60.0
_MAX_LOG_BYTES = 5_000_000
# Starting again cannot help: wrong use, a missing extra, another release.
_HOPELESS = frozenset({2, 8, 15, 16})


@dataclass(kw_only=True)
class ChildStatus:
    """How a process is doing.

    Attributes
    ----------
    state : str
        ``waiting`` is the pause before it is started again; ``given_up`` means that
        starting again can't help.
    restarts : int
        How often it was started again.
    exit_code : int or None
        Of the last time it ended; negative for a signal.
    """

    name: str
    state: Literal["running", "waiting", "given_up", "stopped"] = "waiting"
    pid: int | None = None
    restarts: int = 0
    exit_code: int | None = None

    def document(self) -> dict[str, object]:
        """Return it as JSON can hold it."""
        return asdict(self)


class Child:
    """Keeps one program running until told to stop.

    Parameters
    ----------
    program : Program
    log : Path
        Where its output goes; the one before is kept beside it.
    tell : callable
        Told a sentence whenever something happens.
    """

    def __init__(
        self, program: Program, log: Path, tell: Callable[[str], None]
    ) -> None:
        self.program = program
        self.status = ChildStatus(name=program.name)
        self.log = log
        self._tell = tell
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._starting = asyncio.Lock()

    async def run(self) -> None:
        """Run the program again and again; return when stopped or hopeless."""
        pause_s = _FIRST_PAUSE_S
        while not self._stopping.is_set():
            began_s = time.monotonic()
            code = await self._run_once()
            if self._stopping.is_set():
                break
            if code in _HOPELESS:
                self.status.state = "given_up"
                self._tell(
                    f"{self.program.name} ended with {code} and is not started "
                    f"again; {self.log} tells why"
                )
                return
            if time.monotonic() - began_s > _STEADY_S:
                pause_s = _FIRST_PAUSE_S
            self.status.state = "waiting"
            self._tell(
                f"{self.program.name} {_ended(code)}; it is started again "
                f"in {pause_s:g} s"
            )
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            self.status.restarts += 1
        self.status.state = "stopped"

    async def become(self, program: Program, grace_s: float) -> None:
        """Go on as another program, for example with another database."""
        self.program = program
        await self._end(grace_s)

    async def stop(self, grace_s: float) -> None:
        """End the program: politely, after ``grace_s`` seconds by force."""
        self._stopping.set()
        await self._end(grace_s)

    async def _end(self, grace_s: float) -> None:
        # One that is just being started has to be ended as well.
        async with self._starting:
            process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), grace_s)
        except TimeoutError:
            self._tell(f"{self.program.name} did not end within {grace_s:g} s: killed")
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _run_once(self) -> int:
        _turn_over(self.log)
        with self.log.open("ab") as output:
            async with self._starting:
                process = self._process = await asyncio.create_subprocess_exec(
                    *self.program.command,
                    # Never written to: it closes when the supervisor dies.
                    stdin=asyncio.subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    env={**os.environ, **self.program.environment, LIFELINE: "1"},
                    # Ctrl-C is for the supervisor, which stops the rest in order.
                    start_new_session=True,
                )
        self.status.pid, self.status.state = process.pid, "running"
        code = await process.wait()
        self.status.pid, self.status.exit_code = None, code
        return code


def _ended(code: int) -> str:
    return f"was killed by signal {-code}" if code < 0 else f"ended with {code}"


def _turn_over(log: Path) -> None:
    # At each start: a process that dies again and again must not fill the disk.
    if log.exists() and log.stat().st_size > _MAX_LOG_BYTES:
        log.replace(log.with_suffix(".old.log"))
