"""Legends: what the lines and marks of a chart stand for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ktrdr.report.plot import Style
from ktrdr.report.svg import Svg, joined, polyline, straight, tag, text

_MARK_ROOM = 20
# Half of a triangle's height, in pixels.
_HALF = 4.5


@dataclass(frozen=True, kw_only=True)
class Key:
    """One entry of a legend."""

    label: str
    colour: str
    mark: Literal["line", "box", "up", "down", "dot", "none"] = "line"


def legend(
    keys: Sequence[Key], left: float, right: float, style: Style
) -> tuple[Svg, float]:
    """Return the entries in as many rows as they need, and the height of these."""
    row_height = style.font_size * 1.7
    parts, x, baseline = [], left, style.font_size * 1.1
    for key in keys:
        room = 0 if key.mark == "none" else _MARK_ROOM
        width = room + style.width_of(key.label)
        if x > left and x + width > right:
            x, baseline = left, baseline + row_height
        parts += [
            _mark(key, x, baseline - style.font_size * 0.35),
            text(key.label, x + room, baseline, fill=style.palette.muted),
        ]
        x += width + style.font_size
    return joined(*parts), baseline + style.font_size * 0.9


def _mark(key: Key, x: float, middle: float) -> Svg:
    match key.mark:
        case "none":
            return Svg("")
        case "box":
            return tag("rect", x=x, y=middle - 5, width=14, height=10, fill=key.colour)
        case "up" | "down":
            return triangle(x + 7, middle, key.colour, is_up=key.mark == "up")
        case "dot":
            return tag(
                "circle",
                cx=x + 7,
                cy=middle,
                r=3,
                fill="none",
                stroke=key.colour,
                stroke_width=1.5,
            )
    return straight(x, middle, x + 14, middle, key.colour, stroke_width=2)


def triangle(x: float, y: float, colour: str, *, is_up: bool) -> Svg:
    """Return a filled triangle around a point."""
    height = -_HALF if is_up else _HALF
    tip, base = y + height, y - height * 0.8
    points = np.array([x, x + _HALF, x - _HALF]), np.array([tip, base, base])
    return tag("path", d=f"{polyline(*points)}Z", fill=colour)
