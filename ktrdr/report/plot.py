"""The parts of a chart: frame, axes, lines, areas, shading."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ktrdr.report.scales import Scale, TimeTick, nice_ticks, padded, time_ticks
from ktrdr.report.svg import (
    Svg,
    closed_to,
    escaped,
    joined,
    polyline,
    straight,
    tag,
    text,
)
from ktrdr.report.theme import Palette
from ktrdr.report.thinning import rows_to_draw
from ktrdr.typing import FloatArray, TimeArray

# Mean width of a character in the fonts used, as a share of the font size.
_LETTER_WIDTH = 0.6


@dataclass(frozen=True, kw_only=True)
class Style:
    """How a chart is drawn.

    Attributes
    ----------
    palette : Palette
        Its colours.
    font_size : float
        In pixels of the drawing.
    """

    palette: Palette
    font_size: float = 12.0

    def width_of(self, label: str) -> float:
        """Return about how many pixels ``label`` takes."""
        return len(label) * self.font_size * _LETTER_WIDTH


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A finished chart.

    Attributes
    ----------
    width, height : float
        Size in pixels.
    body : Svg
        Elements, for a place of that size whose corner is at 0, 0.
    title : str
        What it shows, for those who can't see it.
    """

    width: float
    height: float
    body: Svg
    title: str

    def as_svg(self, css_class: str) -> Svg:
        """Return the chart as a whole SVG element for a page."""
        return tag(
            "svg",
            tag("title", escaped(self.title)),
            self.body,
            viewBox=f"0 0 {self.width:g} {self.height:g}",
            class_=css_class,
            role="img",
        )


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Where a chart's data is drawn, with the scales of both axes."""

    left: float
    top: float
    right: float
    bottom: float
    x: Scale
    y: Scale
    style: Style

    @property
    def columns(self) -> int:
        """Pixel columns between the left and the right border."""
        return max(int(self.right - self.left), 1)

    @property
    def most_time_ticks(self) -> int:
        """Time labels that fit beside each other."""
        return max(int((self.right - self.left) / (self.style.font_size * 7)), 1)


def row_scale(n_bars: int, left: float, right: float) -> Scale:
    """Return the scale of bars side by side, each as wide as the others."""
    return Scale(low=-0.5, high=max(n_bars, 1) - 0.5, start=left, end=right)


def value_scale(
    series: Sequence[FloatArray], top: float, bottom: float, share: float = 0.06
) -> Scale:
    """Return a scale that shows all values of all series, larger ones higher."""
    low, high = padded(
        min(float(values.min()) for values in series),
        max(float(values.max()) for values in series),
        share,
    )
    return Scale(low=low, high=high, start=bottom, end=top)


def value_ticks(scale: Scale, font_size: float) -> FloatArray:
    """Return as many nice ticks as the scale's height has room for."""
    height = abs(scale.end - scale.start)
    most = max(int(height / (font_size * 2.6)), 3)
    return nice_ticks(scale.low, scale.high, most)


def value_axis(frame: Frame, label: Callable[[float], str]) -> Svg:
    """Return grid lines across the frame, with labels left of it."""
    palette, size = frame.style.palette, frame.style.font_size
    parts = []
    for tick in value_ticks(frame.y, size).tolist():
        y = frame.y.at(tick)
        parts += [
            straight(frame.left, y, frame.right, y, palette.grid),
            text(
                label(tick),
                frame.left - 8,
                y + size * 0.35,
                text_anchor="end",
                fill=palette.muted,
            ),
        ]
    return joined(*parts)


def time_axis(frame: Frame, time: TimeArray) -> Svg:
    """Return ticks and labels below the frame."""
    ticks = time_ticks(time, frame.most_time_ticks)
    placed = _without_overlaps(ticks, frame)
    parts = [_time_mark(frame, x, label) for x, label in placed]
    base = straight(
        frame.left, frame.bottom, frame.right, frame.bottom, frame.style.palette.muted
    )
    return joined(base, *parts)


def _time_mark(frame: Frame, x: float, label: str) -> Svg:
    size, muted = frame.style.font_size, frame.style.palette.muted
    half = frame.style.width_of(label) / 2
    centre = min(max(x, frame.left + half - size), frame.right - half)
    mark = straight(x, frame.bottom, x, frame.bottom + 4, muted)
    words = text(
        label, centre, frame.bottom + size * 1.5, text_anchor="middle", fill=muted
    )
    return joined(mark, words)


def _without_overlaps(ticks: list[TimeTick], frame: Frame) -> list[tuple[float, str]]:
    placed: list[tuple[float, str]] = []
    free_from = -np.inf
    for tick in ticks:
        x, half = frame.x.at(tick.row), frame.style.width_of(tick.label) / 2
        if x - half >= free_from:
            placed.append((x, tick.label))
            free_from = x + half + frame.style.font_size
    return placed


def line(frame: Frame, values: FloatArray, colour: str, *, width: float = 1.5) -> Svg:
    """Return a series as a line; a series of one bar as a dot."""
    rows = rows_to_draw(values, frame.columns)
    x, y = frame.x(rows.astype(np.float64)), frame.y(values[rows])
    if len(rows) == 1:
        return tag("circle", cx=float(x[0]), cy=float(y[0]), r=3, fill=colour)
    return tag(
        "path",
        d=polyline(x, y),
        fill="none",
        stroke=colour,
        stroke_width=width,
        stroke_linejoin="round",
    )


def area(frame: Frame, values: FloatArray, base: float, colour: str) -> Svg:
    """Return the area between a series and the value ``base``."""
    rows = rows_to_draw(values, frame.columns)
    x, y = frame.x(rows.astype(np.float64)), frame.y(values[rows])
    if len(rows) == 1:
        # One bar has no width as a line; as an area it takes the whole frame.
        x, y = np.array([frame.left, frame.right]), np.repeat(y, 2)
    path = closed_to(x, y, frame.y.at(base))
    return tag("path", d=path, fill=colour, fill_opacity=0.22, stroke="none")


def level(frame: Frame, value: float) -> Svg:
    """Return a dashed line at one value across the frame."""
    y = frame.y.at(value)
    muted = frame.style.palette.muted
    return straight(frame.left, y, frame.right, y, muted, stroke_dasharray="2 4")


def shade(frame: Frame, start: int, end: int, colour: str) -> Svg:
    """Return a band over the bars from ``start`` to ``end``, end excluded."""
    left, right = frame.x.at(start - 0.5), frame.x.at(end - 0.5)
    return tag(
        "rect",
        x=left,
        y=frame.top,
        width=right - left,
        height=frame.bottom - frame.top,
        fill=colour,
    )
