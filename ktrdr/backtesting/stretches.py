"""Columns over all bars that are constant in stretches, such as the position."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ktrdr.typing import FloatArray, IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Stretches:
    """Bars cut into n stretches and the n + 1 gaps before, between and after them.

    Attributes
    ----------
    edges : ndarray of int64, shape (2 * n + 2,)
        First bar of the first gap, of the first stretch, of the second gap and so
        on; at last the number of bars. Gaps and stretches may be empty.
    """

    edges: IntArray

    @classmethod
    def of(cls, start: IntArray, stop: IntArray, n_bars: int) -> "Stretches":
        """Return stretches from ``start`` up to, not including, ``stop``."""
        edges = np.empty(2 * len(start) + 2, np.int64)
        edges[0] = 0
        edges[1:-1:2] = start
        edges[2:-1:2] = stop
        edges[-1] = n_bars
        return cls(edges=edges)

    def column(
        self, inside: FloatArray, outside: FloatArray | float = 0.0
    ) -> FloatArray:
        """Return a column that holds ``inside[k]`` in all bars of stretch k.

        ``outside`` holds in the gaps: one value for all, or one for each.
        """
        return np.repeat(interleaved(inside, outside), np.diff(self.edges))

    def blocks(self, length: int) -> Iterator[tuple[slice, slice, IntArray]]:
        """Cut all bars into blocks of ``length``.

        Yields
        ------
        bars : slice
            The block's bars.
        values : slice
            Which ``interleaved`` values it holds.
        counts : ndarray of int64
            In how many of its bars each of them.
        """
        n_bars = int(self.edges[-1])
        starts = np.arange(0, n_bars, length)
        stops = np.minimum(starts + length, n_bars)
        firsts = np.searchsorted(self.edges, starts, "right") - 1
        lasts = np.searchsorted(self.edges, stops, "left")
        for start, stop, first, last in zip(
            *(column.tolist() for column in (starts, stops, firsts, lasts)), strict=True
        ):
            counts = np.diff(self.edges[first : last + 1].clip(start, stop))
            yield slice(start, stop), slice(first, last), counts


def interleaved(inside: FloatArray, outside: FloatArray | float) -> FloatArray:
    """Return values of gaps and stretches in turn, shape (2 * n + 1,)."""
    values = np.empty(2 * len(inside) + 1)
    values[0::2] = outside
    values[1::2] = inside
    return values
