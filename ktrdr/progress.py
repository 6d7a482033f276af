"""How a long run tells what it is doing, whoever listens."""

from pathlib import Path
from typing import Literal, Protocol

# What goes through a run: bars that are traded on, samples that are trained on.
Unit = Literal["bars", "samples"]


class Progress(Protocol):
    """Told by pipeline rooms, shown by commands, stored by operations."""

    def phase(self, name: str, total: int | None = None, unit: str = "") -> None:
        """Begin phase ``name``; ``total`` counts ``unit``, None when unknown."""

    def advance(self, done: int, message: str = "") -> None:
        """Say that ``done`` of the phase's total are finished."""

    def note(self, message: str) -> None:
        """Tell one thing worth keeping, such as a fallback that was taken."""

    def work(self, unit: Unit, n: int) -> None:
        """Say that ``n`` more went through, for those who watch how fast it goes."""

    def checkpoint(self, name: str, path: Path) -> None:
        """Say that the newest checkpoint of ``name`` now lies whole at ``path``."""

    def should_stop(self) -> bool:
        """Return whether to write a checkpoint, raise JobStopped and be done."""


class NoProgress:
    """Listens to nothing."""

    def phase(self, name: str, total: int | None = None, unit: str = "") -> None:
        """Ignore it."""

    def advance(self, done: int, message: str = "") -> None:
        """Ignore it."""

    def note(self, message: str) -> None:
        """Ignore it."""

    def work(self, unit: Unit, n: int) -> None:
        """Ignore it."""

    def checkpoint(self, name: str, path: Path) -> None:
        """Ignore it."""

    def should_stop(self) -> bool:
        """Return False."""
        return False
