"""Zigzag: the direction of the swing that the bar lies in."""

import numpy as np

from ktrdr.data import Bars
from ktrdr.indicators import IndicatorUse, compute_indicator
from ktrdr.strategy import ZigzagLabels
from ktrdr.training.labels.labels import LONG, SHORT, UNKNOWN, Labels


def zigzag(bars: Bars, spec: ZigzagLabels) -> Labels:
    """Return each bar's class: long before a turning point on top, else short.

    Turning points are those of the indicator ``zigzag`` on closes: the extreme from
    which the close has then moved by the threshold, confirmed in the bar that does.
    Flat does not occur.

    Parameters
    ----------
    bars : Bars
    spec : ZigzagLabels
        Smallest swing, as a fraction of the extreme it starts from.

    Returns
    -------
    Labels
        A turning point itself belongs to the swing that it begins. ``end`` is the
        bar that confirms the next turning point. Bars from the last confirmed
        turning point on have no label.

    Notes
    -----
    Hindsight throughout: the extreme that ends a swing is known only at ``end``.
    """
    use = IndicatorUse(type="zigzag", parameters={"threshold": spec.threshold})
    known = compute_indicator(use, bars)
    direction, rows = known["direction"], np.arange(len(bars))
    # Each confirmation turns the direction, the first one from 0.
    confirmed = np.flatnonzero(np.diff(direction, prepend=0.0))
    turning_points = confirmed - known["bars_since"][confirmed].astype(np.int64)
    following = np.searchsorted(turning_points, rows, side="right")
    has_following = following < len(turning_points)
    following = following[has_following]
    values = np.full(len(bars), UNKNOWN, np.int64)
    end = np.full(len(bars), UNKNOWN, np.int64)
    # The swing after a turning point goes against the one that led to it.
    values[has_following] = np.where(direction[confirmed][following] > 0, SHORT, LONG)
    end[has_following] = confirmed[following]
    return Labels(values=values, end=end)
