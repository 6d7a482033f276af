"""What a label is: the class or return that hindsight gives a bar."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ktrdr.typing import BoolArray, FloatArray, IntArray

# In the order of the network's outputs, ``ktrdr.models.CLASSES``.
SHORT, FLAT, LONG = 0, 1, 2
UNKNOWN = -1

OutputFormat = Literal["classification", "regression"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Labels:
    """One label a bar: what would have been right to decide at its close.

    Attributes
    ----------
    values : ndarray of int64 or float64, shape (n_bars,)
        0 short, 1 flat, 2 long, and -1 where not known; or a simple return, NaN
        where not known.
    end : ndarray of int64, shape (n_bars,)
        Last bar on whose data the label may depend; -1 where not known. Always
        later than the bar itself. A label is for training up to a moment only if
        this bar lies before that moment.
    """

    values: IntArray | FloatArray
    end: IntArray

    @property
    def is_known(self) -> BoolArray:
        """Bars that have a label, shape (n_bars,)."""
        return self.end >= 0


def ends(n_bars: int, horizon: int) -> IntArray:
    """Return bar i + ``horizon`` for each bar i, -1 where there is no such bar."""
    end = np.arange(n_bars, dtype=np.int64) + horizon
    end[end >= n_bars] = UNKNOWN
    return end
