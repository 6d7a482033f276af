"""Somebody who types into a shell what a page says."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.documents import Block

_SOON_S = 120.0
_ENDS_WITHIN_S = 60.0
# What the next command begins with: where the shell is, and what it exports.
_REMEMBER = 'pwd > "$0/folder"; env -0 > "$0/variables"'


class Terminal:
    """A shell, in which one command after the other is typed.

    Parameters
    ----------
    folder : Path
        Where it begins.
    variables : mapping
        Its environment.
    notes : Path
        Folder that is its own.
    stand_ins : mapping
        What is typed in the place of a page's examples, such as of a host's address.
    """

    def __init__(
        self,
        folder: Path,
        variables: Mapping[str, str],
        notes: Path,
        stand_ins: Mapping[str, str],
    ) -> None:
        self.folder = folder
        self.variables = dict(variables)
        self.stand_ins = dict(stand_ins)
        self._notes = notes
        self._began = 0

    def read(self, *blocks: Block, without: tuple[str, ...] = ()) -> str:
        """Type blocks of a page, but for some commands; return what was printed."""
        typed = [one for block in blocks for one in block.statements]
        return "".join(self.type(one) for one in typed if one not in without)

    def type(self, command: str, stdin: str = "") -> str:
        """Run a command; return what it printed.

        An AssertionError tells that it failed, with all that it said.
        """
        done = self.attempt(command, stdin)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        self.folder = Path((self._notes / "folder").read_text().rstrip("\n"))
        told = (self._notes / "variables").read_text().rstrip("\0").split("\0")
        self.variables = dict(one.split("=", 1) for one in told)
        return done.stdout

    def attempt(
        self, command: str, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command whose failure is one of the answers."""
        script = f"set -euo pipefail\n{self._filled(command)}\n{_REMEMBER}"
        return subprocess.run(
            ["bash", "-c", script, str(self._notes)],
            cwd=self.folder,
            env=self.variables,
            input=stdin,
            capture_output=True,
            text=True,
        )

    def begin(self, command: str) -> "Going":
        """Start a command that goes on until it is stopped."""
        self._began += 1
        log = self._notes / f"{self._began}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {self._filled(command)}"],
                cwd=self.folder,
                env=self.variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # As a terminal has it: Ctrl-C reaches all that it started.
                start_new_session=True,
            )
        return Going(process, log)

    def _filled(self, command: str) -> str:
        for example, real in self.stand_ins.items():
            command = command.replace(example, real)
        return command


class Going:
    """A command that goes on; it is stopped when it is left."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def until(self, pattern: str) -> str:
        """Return what it said, as soon as that holds ``pattern``."""
        deadline_s = time.monotonic() + _SOON_S
        while not re.search(pattern, self._log.read_text()):
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline_s, self._log.read_text()
            time.sleep(0.1)
        return self._log.read_text()

    def interrupt(self) -> int:
        """Press Ctrl-C; return its exit code."""
        os.killpg(self._process.pid, signal.SIGINT)
        return self._process.wait(_ENDS_WITHIN_S)
