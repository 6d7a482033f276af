"""Forward return: what a trade of fixed length would have made, before costs."""

import numpy as np

from ktrdr.data import Bars
from ktrdr.strategy import ForwardReturnLabels
from ktrdr.training.labels.labels import (
    FLAT,
    LONG,
    SHORT,
    UNKNOWN,
    Labels,
    OutputFormat,
    ends,
)


def forward_return(
    bars: Bars, spec: ForwardReturnLabels, output: OutputFormat
) -> Labels:
    """Return each bar's forward return, or its class.

    Parameters
    ----------
    bars : Bars
    spec : ForwardReturnLabels
        Horizon in bars and threshold as a fraction.
    output : str
        ``regression`` for the simple return from the open of bar i + 1, where a
        decision at the close of bar i is filled, to the open of bar
        i + 1 + horizon; ``classification`` for long where it lies above the
        threshold, short below its negative, flat otherwise.

    Returns
    -------
    Labels
        The last horizon + 1 bars have none.
    """
    end = ends(len(bars), spec.horizon + 1)
    known = end >= 0
    returns = np.full(len(bars), np.nan)
    entry = bars.open[np.flatnonzero(known) + 1]
    returns[known] = bars.open[end[known]] / entry - 1
    if output == "regression":
        return Labels(values=returns, end=end)
    classes = np.select(
        [~known, returns > spec.threshold, returns < -spec.threshold],
        [UNKNOWN, LONG, SHORT],
        FLAT,
    )
    return Labels(values=classes.astype(np.int64), end=end)
