"""Measure contestants side by side, each in a process of its own."""

import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from typing import IO, Any, cast

from benchmarks.work import Outcome

# One thread each: what is compared is work, not the number of processors.
_SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TQDM_DISABLE": "1",
}


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What one contestant needed for one piece of work.

    Attributes
    ----------
    name, note : str
        The contestant and its version, and what is to be known of its way.
    n_bars : int
        Bars it worked on.
    seconds : float
        Processor seconds of a run, median.
    peak_bytes : int
        Most memory that its process held, interpreter and libraries included.
    outcome : Outcome
        What it found.
    """

    name: str
    note: str
    n_bars: int
    seconds: float
    peak_bytes: int
    outcome: Outcome

    @property
    def seconds_per_bar(self) -> float:
        """Processor seconds for one bar."""
        return self.seconds / self.n_bars


class Contestant:
    """A running contestant process."""

    def __init__(self, module: str, work: str, n_bars: int, warm_ups: int) -> None:
        command = command_of(module, work, n_bars, f"--warm-ups={warm_ups}")
        self.n_bars = n_bars
        self.seconds: list[float] = []
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        self.commands = cast(IO[str], self.process.stdin)
        self.answers = cast(IO[str], self.process.stdout)
        self.greeting = self._read()

    def run(self) -> None:
        """Let it work once."""
        self.commands.write("run\n")
        self.commands.flush()
        self.seconds.append(self._read())

    def end(self) -> Measurement:
        """Let it finish and return what was measured."""
        self.commands.close()
        peak_bytes = self._read()
        self._close()
        return Measurement(
            name=self.greeting["name"],
            note=self.greeting["note"],
            n_bars=self.n_bars,
            seconds=statistics.median(self.seconds),
            peak_bytes=peak_bytes,
            outcome=Outcome(**self.greeting["outcome"]),
        )

    def _read(self) -> Any:
        line = self.answers.readline()
        if not line:
            code = self._close()
            raise RuntimeError(
                f"{self.process.args!r} ended with code {code} before it answered"
            )
        return json.loads(line)

    def _close(self) -> int:
        self.commands.close()
        self.answers.close()
        return self.process.wait()


def command_of(module: str, work: str, n_bars: int, option: str) -> list[str]:
    """Return the command that starts a contestant."""
    python = [sys.executable, "-m", "benchmarks.contestant"]
    return [*python, module, work, str(n_bars), option]


def environment() -> dict[str, str]:
    """Return the environment of all contestants."""
    return {**os.environ, **_SETTINGS}


def measure(
    work: str, sizes: dict[str, int], *, rounds: int, warm_ups: int
) -> list[Measurement]:
    """Measure contestants in turns, so that a busy machine is busy for all.

    Parameters
    ----------
    work : str
        Name of the work.
    sizes : dict of str to int
        Bars by contestant.
    rounds : int
        Measured runs of each.
    warm_ups : int
        Unmeasured runs before, for what is compiled or cached at first use.
    """
    contestants = [
        Contestant(module, work, n_bars, warm_ups) for module, n_bars in sizes.items()
    ]
    for _ in range(rounds):
        for contestant in contestants:
            contestant.run()
    return [contestant.end() for contestant in contestants]


def measure_process(module: str, work: str, n_bars: int, *, rounds: int) -> float:
    """Return processor seconds of a whole process, from start to end: the least."""
    command = command_of(module, work, n_bars, "--once")
    seconds = []
    for _ in range(rounds):
        before = os.times()
        subprocess.run(command, check=True, env=environment())
        after = os.times()
        user = after.children_user - before.children_user
        seconds.append(user + after.children_system - before.children_system)
    return min(seconds)
