"""Long series made short for drawing, with every extreme kept."""

from itertools import pairwise

import numpy as np

from ktrdr.typing import FloatArray, IntArray


def rows_to_draw(values: FloatArray, columns: int) -> IntArray:
    """Return the rows that draw the same line as all rows would.

    Rows are shared out among ``columns`` pixel columns of equal numbers of bars;
    of each column its first, smallest, largest and last row stay.

    Parameters
    ----------
    values : ndarray of shape (n_bars,)
        Finite.
    columns : int
        Pixel columns, at least 1.

    Returns
    -------
    ndarray of int64
        Increasing rows: all of them up to four for each column, otherwise at
        most that many, with the first, the last and both extremes among them.

    References
    ----------
    Jugel et al. (2014), M4: a visualization-oriented time series data
    aggregation, PVLDB 7(10).
    """
    n_bars = len(values)
    if n_bars <= 4 * columns:
        return np.arange(n_bars)
    edges = np.linspace(0, n_bars, columns + 1).astype(np.int64)
    keep: list[int] = []
    for start, end in pairwise(edges.tolist()):
        column = values[start:end]
        lowest, highest = start + column.argmin(), start + column.argmax()
        keep += [start, lowest, highest, end - 1]
    return np.unique(np.array(keep, dtype=np.int64))


def runs(values: IntArray) -> list[tuple[int, int, int]]:
    """Return (first row, row after the last, value) of each run of equal values."""
    if len(values) == 0:
        return []
    edges = np.flatnonzero(np.diff(values)) + 1
    starts = [0, *map(int, edges)]
    ends = [*map(int, edges), len(values)]
    return [
        (start, end, int(values[start]))
        for start, end in zip(starts, ends, strict=True)
    ]
