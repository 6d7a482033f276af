"""From a network's outputs to the position that a strategy wants."""

from typing import cast

import numpy as np

from ktrdr.errors import InputError
from ktrdr.strategy import DecisionsSpec
from ktrdr.typing import BoolArray, FloatArray, TargetArray

# What a target position is called.
SIDES = {1: "long", 0: "flat", -1: "short"}
_N_OUTPUTS = {"classification": 3, "regression": 1}


def decide(decisions: DecisionsSpec, outputs: FloatArray) -> TargetArray:
    """Return the target position decided at the close of each bar.

    Parameters
    ----------
    decisions : DecisionsSpec
        Thresholds, shorts, exit rule and least separation of entries.
    outputs : ndarray of shape (n_bars, 3) or (n_bars, 1)
        Probabilities of short, flat, long, or the predicted return.

    Returns
    -------
    ndarray of int8, shape (n_bars,)
        1 long, 0 flat, -1 short.

    Raises
    ------
    InputError
        If the outputs don't have the format's shape.

    Notes
    -----
    Bar i uses outputs up to i only. An unknown output (NaN) means flat, whatever
    was held. An entry is a change to long or short; one that comes fewer than
    ``min_signal_separation`` bars after the entry before it is not made: the
    target is flat until the separation has passed and the signal is there.
    """
    expected = _N_OUTPUTS[decisions.format]
    if outputs.ndim != 2 or outputs.shape[1] != expected:
        raise InputError(
            f"outputs have shape {outputs.shape}, expected (n_bars, {expected}) "
            f"for format {decisions.format!r}"
        )
    signal = signals(decisions, outputs)
    is_unknown = cast(BoolArray, np.isnan(outputs).any(axis=1))
    return _hold(decisions, signal, is_unknown)


def signals(decisions: DecisionsSpec, outputs: FloatArray) -> TargetArray:
    """Return what each bar's output alone says: 1 long, 0 neutral, -1 short.

    A class is signalled when it is the most probable, without a tie, and reaches
    its threshold; a return when it is above 0 and reaches the threshold for long,
    or its negative the one for short. NaN is neutral.
    """
    thresholds = decisions.thresholds
    if decisions.format == "regression":
        value = outputs[:, 0]
        is_long = (value > 0) & (value >= thresholds.long)
        is_short = (value < 0) & (-value >= thresholds.short)
    else:
        short, flat, long = outputs.T
        is_long = (long > np.maximum(short, flat)) & (long >= thresholds.long)
        is_short = (short > np.maximum(long, flat)) & (short >= thresholds.short)
    return is_long.astype(np.int8) - is_short.astype(np.int8)


def _hold(
    decisions: DecisionsSpec, signal: TargetArray, is_unknown: BoolArray
) -> TargetArray:
    # One step an entry: where a position may begin and where it ends are looked up.
    is_entry = signal != 0 if decisions.shorts else signal > 0
    ends_long, ends_short = signal < 0, signal > 0
    if decisions.exit_on == "neutral":
        ends_long, ends_short = signal <= 0, signal >= 0
    next_entry = _next(is_entry)
    next_end = {1: _next(ends_long | is_unknown), -1: _next(ends_short | is_unknown)}
    steps = np.zeros(len(signal) + 1, np.int8)
    entry = next_entry[0]
    while entry < len(signal):
        side = int(signal[entry])
        end = next_end[side][entry]
        steps[entry] += side
        steps[end] -= side
        free = max(end, entry + decisions.min_signal_separation)
        entry = next_entry[min(free, len(signal))]
    return np.cumsum(steps[:-1], dtype=np.int8)


def _next(condition: BoolArray) -> list[int]:
    # Element i: the first row at or after i where it holds, else n; n + 1 elements.
    n_rows = len(condition)
    rows = np.where(condition, np.arange(n_rows), n_rows)
    found = np.minimum.accumulate(rows[::-1])[::-1]
    return [*found.tolist(), n_rows]
