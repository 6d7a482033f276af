"""The network's inputs as people speak of them: one fuzzy set on one timeframe."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ktrdr.features import input_key
from ktrdr.strategy import FeatureInput, Strategy, expand_inputs
from ktrdr.typing import FloatArray


@dataclass(frozen=True, kw_only=True)
class InputGroup:
    """The features that belong to one fuzzy set or raw indicator on one timeframe.

    Attributes
    ----------
    key : str
        ``{timeframe}_{fuzzy_set}``, or the feature id of a raw input.
    title : str
        The same in words, such as ``1h rsi_momentum``.
    columns : slice
        Where its features are in the matrix.
    memberships : tuple of str
        Names of the terms; empty for a raw input.
    """

    key: str
    title: str
    columns: slice
    memberships: tuple[str, ...]

    @property
    def is_fuzzy(self) -> bool:
        """Whether the features are membership degrees."""
        return bool(self.memberships)

    def state(self, values: FloatArray) -> str:
        """Return in words what the group's ``values`` of one bar say."""
        if not self.is_fuzzy:
            side = "above" if values[0] >= 0 else "below"
            return (
                f"{self.title} is {abs(values[0]):.1f} standard deviations {side} "
                "its training mean"
            )
        strongest = int(np.argmax(values))
        term = self.term(strongest if values[strongest] > 0 else len(values))
        return f"{self.title} is {term} ({values[strongest]:.2f})"

    def term(self, index: int) -> str:
        """Return the name of a term; past the last, that none applies."""
        if index < len(self.memberships):
            return self.memberships[index]
        return f"none of {', '.join(self.memberships)}"


def input_groups(strategy: Strategy) -> tuple[InputGroup, ...]:
    """Return the groups of ``strategy``'s features, in the order of the file."""
    groups = []
    start = 0
    for entry in expand_inputs(strategy):
        stop = start + len(entry.feature_ids)
        groups.append(
            InputGroup(
                key=input_key(entry),
                title=f"{entry.timeframe} {_subject(entry)}",
                columns=slice(start, stop),
                memberships=entry.memberships,
            )
        )
        start = stop
    return tuple(groups)


def listing(words: Sequence[str]) -> str:
    """Return ``a``, ``a and b`` or ``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


def _subject(entry: FeatureInput) -> str:
    if entry.fuzzy_set is not None:
        return entry.fuzzy_set
    return f"{entry.indicator}.{entry.output}" if entry.output else entry.indicator
