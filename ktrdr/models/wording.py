"""Sentences about what a model said at a bar, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ktrdr.data import to_minute
from ktrdr.models.decisions import SIDES
from ktrdr.strategy import DecisionsSpec
from ktrdr.typing import FloatArray

# How many reasons a sentence names, and how large the least of them may be.
_MOST_REASONS = 3
_LEAST_SHARE = 0.02


@dataclass(frozen=True, kw_only=True, eq=False)
class Margin:
    """What is explained: by how much the model prefers what it says.

    Attributes
    ----------
    says : str
        The most probable class, or the direction of the predicted return.
    runner_up : str or None
        The next most probable class; None for a return.
    weights : ndarray of shape (n_outputs,)
        The margin is ``weights @ logits``.
    """

    says: str
    runner_up: str | None
    weights: FloatArray


def verdict(time: np.datetime64, outputs: dict[str, float], margin: Margin) -> str:
    """Return what the model says at the close of the bar that opened at ``time``."""
    start = f"At the close of bar {to_minute(time)} the model says {margin.says}"
    if margin.runner_up is None:
        return f"{start}: it predicts a return of {outputs['return']:+.4%}."
    return (
        f"{start} (p = {outputs[margin.says]:.2f}; "
        f"{margin.runner_up} {outputs[margin.runner_up]:.2f})."
    )


def reasons(amounts: Sequence[tuple[str, float]], ends: FloatArray) -> list[str]:
    """Return one sentence of what speaks for the verdict, one of what against.

    Parameters
    ----------
    amounts : sequence of (str, float)
        What the bar says, and what that adds to the margin; the largest first.
    ends : ndarray of shape (2,)
        Margin of the average training bar and of this one.
    """
    least = _LEAST_SHARE * sum(abs(amount) for _, amount in amounts)
    notable = [one for one in amounts if abs(one[1]) > least]
    # Where the average bar has most of the margin, this one's features are no cause.
    is_caused_here = ends[1] - ends[0] > ends[0]
    favourably = "Mostly because" if is_caused_here else "For it:"
    sides = {
        favourably: [one for one in notable if one[1] > 0],
        "Against it:": [one for one in notable if one[1] < 0],
    }
    return [
        f"{start} " + "; ".join(map(_reason, found[:_MOST_REASONS])) + "."
        for start, found in sides.items()
        if found
    ]


def baseline(margin: Margin, ends: FloatArray) -> str:
    """Return how the bar's margin compares with the average training bar's."""
    over = "" if margin.runner_up is None else f" over {margin.runner_up}"
    return (
        f"The margin of {margin.says}{over} is {_signed(ends[1])}, where the average "
        f"training bar has {_signed(ends[0])}."
    )


def position(decisions: DecisionsSpec, says: str, signal: int, target: int) -> str:
    """Return why the position decided is another than the model says, or nothing.

    Parameters
    ----------
    decisions : DecisionsSpec
        The strategy's rules.
    says : str
        What the model says.
    signal, target : int
        What that means by the thresholds alone, and the position decided.
    """
    if SIDES[target] == says:
        return ""
    if target != 0:
        why = "a position is kept until the signal turns"
    elif signal == 0:
        threshold = getattr(decisions.thresholds, says)
        why = f"{says} does not reach its threshold of {threshold:g}"
    elif signal < 0 and not decisions.shorts:
        why = "the strategy takes no short positions"
    else:
        why = f"the last entry is fewer than {decisions.min_signal_separation} bars ago"
    return f"The position decided is {SIDES[target]}: {why}."


def _reason(one: tuple[str, float]) -> str:
    words, amount = one
    return f"{words}, {_signed(amount)}"


def _signed(amount: float) -> str:
    # Predicted returns are small: keep two digits that mean something.
    return f"{amount:+.2f}" if abs(amount) >= 0.01 else f"{amount:+.2g}"
