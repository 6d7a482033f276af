"""Somebody who reads a page and does what it says, in a folder of their own."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from ktrdr.strategy import with_overrides
from tests.documents import ROOT, words

_STARTS_WITHIN_S = 60.0
# These go on until they are stopped.
_SERVERS = ("ktrdr serve", "ktrdr worker")
# What each says when it can be used.
_READY = re.compile(r"url=http|\bready\b")


class Reader:
    """Runs commands one after the other, as a user's shell does.

    Parameters
    ----------
    folder : Path
        Where they are run.
    stand_ins : mapping
        What is put in the place of a page's examples, such as of a host's address.

    ``ID`` is the operation that was started last, ``ktrdr_...`` the token made last.
    """

    def __init__(self, folder: Path, stand_ins: Mapping[str, str]) -> None:
        self._folder = folder
        self._stand_ins = dict(stand_ins)
        self._servers: list[subprocess.Popen[str]] = []
        programs = str(Path(sys.executable).parent)
        self._environment = {
            **os.environ,
            "KTRDR_HOME": str(folder / "home"),
            "PATH": os.pathsep.join([programs, os.environ["PATH"]]),
            "COLUMNS": "100",
        }
        self._write_strategy()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in reversed(self._servers):
            server.terminate()
            server.communicate()
        self._run(["ktrdr", "down"])

    def do(self, command: str) -> str:
        """Run a command; return what it printed.

        An AssertionError tells that it failed, with all that it said.
        """
        for example, real in self._stand_ins.items():
            command = command.replace(example, real)
        name, *arguments = words(command)
        if name == "export":
            self._environment |= dict(one.split("=", 1) for one in arguments)
            return ""
        if command.startswith(_SERVERS):
            return self._serve(words(command))
        done = self._run(words(command))
        said = f"{command}: {done.stdout}{done.stderr}"
        assert done.returncode == 0, said
        self._remember(words(command), done.stdout)
        return done.stdout

    def _run(self, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            arguments,
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
        )

    def _remember(self, arguments: list[str], printed: str) -> None:
        if "--detach" in arguments:
            self._stand_ins["ID"] = printed.strip()
        if arguments[:3] == ["ktrdr", "auth", "create"]:
            self._stand_ins["ktrdr_..."] = printed.strip()

    def _serve(self, arguments: list[str]) -> str:
        log = self._folder / f"server-{len(self._servers)}.log"
        with log.open("w") as file:
            server = subprocess.Popen(
                arguments,
                cwd=self._folder,
                env=self._environment,
                stdout=file,
                stderr=file,
                text=True,
            )
        self._servers.append(server)
        deadline_s = time.monotonic() + _STARTS_WITHIN_S
        while not _READY.search(log.read_text()):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline_s, log.read_text()
            time.sleep(0.05)
        return log.read_text()

    def _write_strategy(self) -> None:
        """Give the reader an example strategy that is trained for a shorter time."""
        text = (ROOT / "strategies" / "momentum.yaml").read_text(encoding="utf-8")
        quick, _ = with_overrides(text, {"training.epochs": 5})
        folder = self._folder / "strategies"
        folder.mkdir()
        (folder / "momentum.yaml").write_text(quick, encoding="utf-8")
