"""How a long run tells what it is doing, whoever listens."""

from typing import Protocol


class Progress(Protocol):
    """Told by pipeline rooms, shown by commands, stored by operations."""

    def phase(self, name: str, total: int | None = None, unit: str = "") -> None:
        """Begin phase ``name``; ``total`` counts ``unit``, None when unknown."""

    def advance(self, done: int, message: str = "") -> None:
        """Say that ``done`` of the phase's total are finished."""

    def note(self, message: str) -> None:
        """Tell one thing worth keeping, such as a fallback that was taken."""


class NoProgress:
    """Listens to nothing."""

    def phase(self, name: str, total: int | None = None, unit: str = "") -> None:
        """Ignore it."""

    def advance(self, done: int, message: str = "") -> None:
        """Ignore it."""

    def note(self, message: str) -> None:
        """Ignore it."""
