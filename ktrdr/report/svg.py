"""SVG as text: elements whose attributes and contents are escaped."""

from html import escape
from typing import NewType

import numpy as np

from ktrdr.report.wording import plain
from ktrdr.typing import FloatArray

Svg = NewType("Svg", str)


def tag(name: str, *children: Svg, **attributes: str | float) -> Svg:
    """Return one element; ``stroke_width`` becomes ``stroke-width``."""
    head = " ".join([name, *(_attribute(key, attributes[key]) for key in attributes)])
    if not children:
        return Svg(f"<{head}/>")
    return Svg(f"<{head}>{''.join(children)}</{name}>")


def text(content: str, x: float, y: float, **attributes: str | float) -> Svg:
    """Return a text element."""
    return tag("text", escaped(content), x=x, y=y, **attributes)


def straight(
    x1: float, y1: float, x2: float, y2: float, colour: str, **attributes: str | float
) -> Svg:
    """Return a straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=colour, **attributes)


def tooltip(content: str) -> Svg:
    """Return a ``<title>``, which browsers show beside the pointer."""
    return tag("title", escaped(content))


def escaped(content: str) -> Svg:
    """Return ``content`` as character data."""
    return Svg(escape(plain(content)))


def joined(*parts: Svg) -> Svg:
    """Return elements one after the other."""
    return Svg("".join(parts))


def polyline(x: FloatArray, y: FloatArray) -> str:
    """Return path data through the points, with one decimal of a pixel."""
    points = [
        f"{short(left)},{short(top)}"
        for left, top in zip(x.tolist(), y.tolist(), strict=True)
    ]
    return "M" + "L".join(points) if points else ""


def closed_to(x: FloatArray, y: FloatArray, base: float) -> str:
    """Return path data of the area between the points and the height ``base``."""
    ends = np.array([x[-1], x[0]])
    outline = polyline(np.append(x, ends), np.append(y, [base, base]))
    return f"{outline}Z"


def short(value: float) -> str:
    """Return a coordinate with one decimal at most."""
    words = f"{value:.1f}".removesuffix(".0")
    return "0" if words == "-0" else words


def _attribute(key: str, value: str | float) -> str:
    if not isinstance(value, str):
        value = f"{value:.2f}".rstrip("0").rstrip(".")
    return f'{key.rstrip("_").replace("_", "-")}="{escape(plain(value))}"'
