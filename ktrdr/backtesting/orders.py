"""From target positions to the entries and exits that they ask for."""

from dataclasses import dataclass
from typing import cast

import numpy as np

from ktrdr.errors import InputError
from ktrdr.typing import FloatArray, IntArray, TargetArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Runs:
    """Stretches of one long or short target, in order; arrays of shape (n_runs,).

    At most one trade comes from each: after a stop or target there is no new
    entry until the target changes. So runs never overlap, and what happens in one
    bears on later ones through equity only.

    Attributes
    ----------
    entry_bar : ndarray of int64
        Bar at whose open the position is taken, the one after the decision.
    due_bar : ndarray of int64
        Bar at whose open it is due to end; ``n_bars`` if that lies beyond the data.
    direction : ndarray of float64
        1 for long, -1 for short.
    """

    entry_bar: IntArray
    due_bar: IntArray
    direction: FloatArray


def checked_targets(targets: TargetArray, n_bars: int) -> TargetArray:
    """Return targets as int8; raise InputError unless each bar has -1, 0 or 1."""
    values = np.asarray(targets)
    if values.shape != (n_bars,) or values.dtype.kind not in "biu":
        raise InputError(
            f"targets have shape {values.shape} and type {values.dtype}, expected "
            f"whole numbers of shape ({n_bars},), one for each bar"
        )
    if n_bars and not (values.min() >= -1 and values.max() <= 1):
        raise InputError(
            f"targets lie between {values.min()} and {values.max()}, expected "
            "-1 (short), 0 (flat) or 1 (long)"
        )
    return cast(TargetArray, values.astype(np.int8, copy=False))


def find_runs(targets: TargetArray) -> Runs:
    """Return the runs of long and short targets.

    Parameters
    ----------
    targets : ndarray of int8, shape (n_bars,)
        Position wanted as decided at each bar's close; flat before bar 0.

    Notes
    -----
    Orders fill at the next bar's open, so a change on the last bar has no effect.
    """
    n_bars = len(targets)
    changes = np.flatnonzero(targets[1:] != targets[:-1]) + 1
    if n_bars and targets[0] != 0:
        changes = np.concatenate(([0], changes))
    changes = changes[changes < n_bars - 1]
    start = changes + 1
    due = np.append(start[1:], n_bars)
    wanted = targets[changes]
    is_run = wanted != 0
    return Runs(
        entry_bar=start[is_run],
        due_bar=due[is_run],
        direction=wanted[is_run].astype(np.float64),
    )
