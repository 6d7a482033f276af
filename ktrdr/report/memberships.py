"""Membership functions of a model, drawn."""

import numpy as np

from ktrdr.models import MembershipCurves
from ktrdr.report.legend import Key, legend
from ktrdr.report.plot import Drawing, Frame, Style, value_axis
from ktrdr.report.scales import Scale, nice_ticks, tick_decimals
from ktrdr.report.svg import Svg, joined, polyline, tag, text
from ktrdr.report.theme import Palette
from ktrdr.report.wording import compact, number


def membership_figure(
    curves: MembershipCurves, style: Style, *, width: float = 460, height: float = 190
) -> Drawing:
    """Draw the degrees of a fuzzy set's terms over the indicator's values."""
    size = style.font_size
    colours = _colours(style.palette)
    keys = [
        Key(label=name, colour=colours[i % len(colours)])
        for i, name in enumerate(curves.degrees)
    ]
    left, right, bottom = size * 3, width - size, height - size * 2
    names, top = legend(keys, left, right, style)
    low, high = float(curves.values[0]), float(curves.values[-1])
    frame = Frame(
        left=left,
        top=top,
        right=right,
        bottom=bottom,
        x=Scale(low=low, high=high, start=left, end=right),
        y=Scale(low=0.0, high=1.0, start=bottom, end=top),
        style=style,
    )
    lines = [
        _curve(frame, curves, name, key.colour)
        for name, key in zip(curves.degrees, keys, strict=True)
    ]
    axes = value_axis(frame, lambda value: number(value, 1)), _indicator_axis(frame)
    return Drawing(
        width=width,
        height=height,
        body=tag("g", *axes, *lines, names, font_size=size),
        title=f"Membership functions of {curves.title}: {', '.join(curves.degrees)}",
    )


def _curve(frame: Frame, curves: MembershipCurves, name: str, colour: str) -> Svg:
    path = polyline(frame.x(curves.values), frame.y(curves.degrees[name]))
    return tag("path", d=path, fill="none", stroke=colour, stroke_width=1.8)


def _colours(palette: Palette) -> tuple[str, ...]:
    return (
        palette.term_1,
        palette.term_2,
        palette.term_3,
        palette.term_4,
        palette.term_5,
    )


def _indicator_axis(frame: Frame) -> Svg:
    style = frame.style
    most = max(int((frame.right - frame.left) / (style.font_size * 6)), 3)
    ticks = nice_ticks(frame.x.low, frame.x.high, most)
    largest, decimals = float(np.abs(ticks).max(initial=0)), tick_decimals(ticks)
    labels = [
        compact(tick) if largest >= 1e5 or decimals > 5 else number(tick, decimals)
        for tick in ticks.tolist()
    ]
    return joined(
        *(
            text(
                label,
                min(frame.x.at(tick), frame.right - style.width_of(label) / 2),
                frame.bottom + style.font_size * 1.5,
                text_anchor="middle",
                fill=style.palette.muted,
            )
            for tick, label in zip(ticks.tolist(), labels, strict=True)
        )
    )
