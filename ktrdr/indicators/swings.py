"""Swings of a price, as they are known at each bar."""

import numpy as np

from ktrdr.data import Bars
from ktrdr.indicators.indicator import Arguments, Indicator
from ktrdr.indicators.parameters import as_float, number, price_source, source_values
from ktrdr.indicators.results import ratio
from ktrdr.typing import FloatArray, IntArray


def zigzag(values: FloatArray, threshold: float) -> tuple[FloatArray, ...]:
    """Return what is known at each bar of the swings of at least ``threshold``.

    Parameters
    ----------
    values : ndarray of shape (n_bars,)
        Above 0, finite.
    threshold : float
        Smallest swing, as a fraction of the extreme it starts from.

    Returns
    -------
    distance : ndarray of shape (n_bars,)
        Value over the last confirmed turning point, less 1.
    direction : ndarray of shape (n_bars,)
        1 in a swing up, -1 in a swing down, 0 before the first one.
    pivot : ndarray of shape (n_bars,)
        Value at the last confirmed turning point.
    bars_since : ndarray of shape (n_bars,)
        Bars from that turning point, at least 0.

    Notes
    -----
    Nothing is repainted: an extreme becomes the turning point at the bar whose
    value has moved from it by the threshold, and not before. Until the first
    one is confirmed the first bar stands for it. Only ``values`` count, one a
    bar, since the order of a bar's high and low is not known.
    """
    confirmed, pivots, directions = _turning_points(values.tolist(), threshold)
    rows = np.arange(len(values))
    latest = np.searchsorted(confirmed, rows, side="right") - 1
    pivot_rows = pivots[latest]
    pivot = values[pivot_rows]
    return (
        ratio(values, pivot) - 1,
        directions[latest].astype(np.float64),
        pivot,
        (rows - pivot_rows).astype(np.float64),
    )


def _turning_points(
    values: list[float], threshold: float
) -> tuple[IntArray, IntArray, IntArray]:
    """Return of each turning point: row confirmed, own row, direction from it on.

    The first one is the first bar, without direction.
    """
    confirmed, pivots, directions = [0], [0], [0]
    direction = highest = lowest = 0
    for row, value in enumerate(values):
        if value > values[highest]:
            highest = row
        if value < values[lowest]:
            lowest = row
        if direction <= 0 and value >= values[lowest] * (1 + threshold):
            direction, pivot = 1, lowest
        elif direction >= 0 and value <= values[highest] * (1 - threshold):
            direction, pivot = -1, highest
        else:
            continue
        highest = lowest = row
        confirmed.append(row)
        pivots.append(pivot)
        directions.append(direction)
    return (
        np.array(confirmed, np.int64),
        np.array(pivots, np.int64),
        np.array(directions, np.int64),
    )


def _zigzag(bars: Bars, arguments: Arguments) -> tuple[FloatArray, ...]:
    threshold = as_float(arguments, "threshold")
    if not len(bars):
        return tuple(np.empty(0) for _ in range(4))
    return zigzag(source_values(bars, arguments), threshold)


INDICATORS = (
    Indicator(
        name="zigzag",
        title="Zigzag without repainting: distance from the last confirmed pivot",
        group="overlap",
        parameters=(
            number(0.01, "threshold", 0.0001, 0.9),
            price_source(),
        ),
        outputs=("distance", "direction", "pivot", "bars_since"),
        compute=_zigzag,
        warm_up=lambda _: 0,
        note="direction is 0 and the first bar the pivot until the first swing of "
        "the threshold",
    ),
)
