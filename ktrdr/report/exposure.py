"""When a position was held, as a strip below the price."""

import numpy as np

from ktrdr.report.plot import Frame
from ktrdr.report.svg import Svg, closed_to, joined, tag, tooltip
from ktrdr.typing import BoolArray, FloatArray


def exposure_strip(frame: Frame, position: FloatArray, height: float) -> Svg:
    """Return a strip at the frame's bottom: long above its middle, short below.

    Where several bars share a pixel column, the strip is as thick as the share of
    them in which a position was held.
    """
    middle = frame.bottom - height / 2
    sides = (
        (position > 0, middle - height / 2 + 1, frame.style.palette.long, "long"),
        (position < 0, middle + height / 2 - 1, frame.style.palette.short, "short"),
    )
    return joined(
        *(
            _side(frame, is_held, middle, edge, colour, name)
            for is_held, edge, colour, name in sides
            if is_held.any()
        )
    )


def _side(
    frame: Frame, is_held: BoolArray, middle: float, edge: float, colour: str, name: str
) -> Svg:
    edges, shares = held_shares(is_held, frame.columns)
    x = np.repeat(frame.x(edges - 0.5), 2)[1:-1]
    y = np.repeat(middle + shares * (edge - middle), 2)
    tip = tooltip(f"{name} position")
    return tag("path", tip, d=closed_to(x, y, middle), fill=colour)


def held_shares(is_held: BoolArray, columns: int) -> tuple[FloatArray, FloatArray]:
    """Return edges of stretches of bars, and the share of each that is held.

    Parameters
    ----------
    is_held : ndarray of bool, shape (n_bars,)
    columns : int
        Most stretches to return.

    Returns
    -------
    edges : ndarray of shape (n_stretches + 1,)
        Rows; neighbouring stretches differ in their share.
    shares : ndarray of shape (n_stretches,)
        From 0 to 1.
    """
    n_bars = len(is_held)
    edges = np.linspace(0, n_bars, min(n_bars, columns) + 1).astype(np.int64)
    counts = np.add.reduceat(is_held.astype(np.int64), edges[:-1])
    shares = counts / np.diff(edges)
    changes = np.flatnonzero(np.diff(shares)) + 1
    kept = np.concatenate([[0], changes])
    return np.append(edges[kept], n_bars).astype(np.float64), shares[kept]
