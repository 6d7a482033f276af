"""Whom long work on a store tells how far it is."""

from typing import Protocol


class Steps(Protocol):
    """What of ``Progress`` such work uses."""

    def phase(self, name: str, total: int | None = None, unit: str = "") -> None:
        """Begin phase ``name``; ``total`` counts ``unit``, None when unknown."""

    def advance(self, done: int) -> None:
        """Say that ``done`` of the phase's total are finished."""
