"""Start programs of PostgreSQL under the name they are to have."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["same", "namespace", "account"]
_KEPT = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_SCRIPT = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who a program is: as we are, by another name in a namespace, or an account.

    ``uid`` and ``gid`` are those in the namespace, or of the account.
    """

    kind: Kind
    uid: int
    gid: int

    @property
    def owner(self) -> tuple[int, int]:
        """User and group that its files must belong to, seen from here."""
        if self.kind == "account":
            return self.uid, self.gid
        return os.geteuid(), os.getegid()


@dataclass(frozen=True, kw_only=True)
class Launch:
    """What ``launch.py`` is told.

    Attributes
    ----------
    lock : str or None
        File that stays locked as long as the program or a child of it lives.
    log : str or None
        File for what it prints, emptied before.
    detach : bool
        Whether to leave terminal and parent.
    parent : int or None
        Process whose end ends the program, where the system can do that.
    """

    program: str
    arguments: tuple[str, ...]
    identity: Kind
    uid: int
    gid: int
    lock: str | None = None
    log: str | None = None
    detach: bool = False
    parent: int | None = None

    @property
    def command(self) -> list[str]:
        """The command that starts it."""
        return [sys.executable, "-I", "-S", str(_SCRIPT), json.dumps(asdict(self))]


def run_as(
    identity: Identity, program: Path, *arguments: str, text: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, ``text`` as its input, and return what it printed."""
    launch = Launch(
        program=str(program),
        arguments=arguments,
        identity=identity.kind,
        uid=identity.uid,
        gid=identity.gid,
    )
    return subprocess.run(
        launch.command,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env=plain_environment(),
        check=False,
    )


def plain_environment() -> dict[str, str]:
    """Return the environment of a server: neither settings nor secrets of ours."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}
