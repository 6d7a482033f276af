"""The charts of a result: price with trades, equity, drawdown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ktrdr.backtesting import Result, Seen
from ktrdr.data import to_minute
from ktrdr.report.exposure import exposure_strip
from ktrdr.report.legend import Key, legend
from ktrdr.report.plot import (
    Drawing,
    Frame,
    Style,
    area,
    level,
    line,
    row_scale,
    shade,
    time_axis,
    value_axis,
    value_scale,
    value_ticks,
)
from ktrdr.report.scales import Scale, tick_decimals
from ktrdr.report.svg import Svg, joined, tag, text
from ktrdr.report.theme import Palette
from ktrdr.report.thinning import runs
from ktrdr.report.trade_marks import drawn_trades, trade_marks
from ktrdr.report.wording import compact, number, percent, plural
from ktrdr.typing import FloatArray

_STRIP_HEIGHT = 14.0


@dataclass(frozen=True, kw_only=True)
class Canvas:
    """Size and style of one chart, and the room left of its frame for labels."""

    width: float
    height: float
    left: float
    style: Style


def left_margin(result: Result, style: Style) -> float:
    """Return the room that the longest label of the three charts needs.

    All three get the same, so that their time axes stand below each other.
    """
    series = [[result.close], [result.equity, result.hold_equity]]
    labels = ["\N{MINUS SIGN}100 %"]
    for values in series:
        scale = value_scale(values, 0.0, 300.0)
        label = value_label(scale, style.font_size)
        ticks = value_ticks(scale, style.font_size).tolist()
        labels += [label(tick) for tick in ticks]
    return max(map(style.width_of, labels)) + 12


def value_label(scale: Scale, font_size: float) -> Callable[[float], str]:
    """Return how the ticks of this scale are written: all with the same decimals."""
    ticks = value_ticks(scale, font_size)
    largest = float(np.max(np.abs(ticks), initial=0.0))
    if largest >= 1e6 or (0 < largest < 1e-4):
        return compact
    decimals = tick_decimals(ticks)
    return lambda value: number(value, decimals)


def price_figure(result: Result, canvas: Canvas) -> Drawing:
    """Draw the closes with the trades, and below them when a position was held."""
    style, palette = canvas.style, canvas.style.palette
    trades = result.trades
    rows = drawn_trades(trades, int(canvas.width - canvas.left) // 4)
    prices = [result.close, trades.entry_price[rows], trades.exit_price[rows]]
    keys = [Key(label="close", colour=palette.ink)]
    if len(trades):
        keys += [
            Key(label="long", colour=palette.muted, mark="up"),
            Key(label="short", colour=palette.muted, mark="down"),
            Key(label="exit", colour=palette.muted, mark="dot"),
            Key(label="gain", colour=palette.gain, mark="box"),
            Key(label="loss", colour=palette.loss, mark="box"),
        ]
    if len(rows) < len(trades):
        marked = f"({number(len(rows), 0)} largest of {plural(len(trades), 'trade')})"
        keys.append(Key(label=marked, colour=palette.muted, mark="none"))
    keys += _seen_keys(result, palette)
    names, top = legend(keys, canvas.left, canvas.width, style)
    frame = _frame(result, canvas, [p for p in prices if p.size], top, _STRIP_HEIGHT)
    body = joined(
        *_seen_bands(frame, result),
        value_axis(frame, value_label(frame.y, style.font_size)),
        line(frame, result.close, palette.ink, width=1.1),
        exposure_strip(frame, result.position, _STRIP_HEIGHT),
        time_axis(frame, result.time),
        trade_marks(frame, result, rows),
        names,
    )
    return _drawing(canvas, body, f"Price of {result.manifest.symbol} with trades")


def equity_figure(result: Result, canvas: Canvas) -> Drawing:
    """Draw equity beside buy and hold."""
    style, palette = canvas.style, canvas.style.palette
    cash = result.manifest.initial_cash
    hold = result.hold_equity
    curves = [result.equity, hold, np.array([cash])]
    keys = [
        Key(label=f"strategy {compact(result.equity[-1])}", colour=palette.accent),
        Key(label=f"buy and hold {compact(hold[-1])}", colour=palette.compare),
    ]
    names, top = legend(
        [*keys, *_seen_keys(result, palette)], canvas.left, canvas.width, style
    )
    frame = _frame(result, canvas, curves, top)
    body = joined(
        *_seen_bands(frame, result),
        value_axis(frame, value_label(frame.y, style.font_size)),
        level(frame, cash),
        line(frame, hold, palette.compare),
        line(frame, result.equity, palette.accent, width=1.9),
        time_axis(frame, result.time),
        names,
    )
    return _drawing(canvas, body, "Equity of the strategy beside buy and hold")


def drawdown_figure(result: Result, canvas: Canvas) -> Drawing:
    """Draw how far equity lay below its highest point so far."""
    style, palette = canvas.style, canvas.style.palette
    deepest = float(result.drawdown.min())
    low = deepest * 1.25 if deepest < 0 else -0.01
    top, bottom = style.font_size * 0.8, canvas.height - style.font_size * 2
    right = canvas.width - style.font_size
    frame = Frame(
        left=canvas.left,
        top=top,
        right=right,
        bottom=bottom,
        x=row_scale(len(result.time), canvas.left, right),
        y=Scale(low=low, high=0.0, start=bottom, end=top),
        style=style,
    )
    decimals = tick_decimals(value_ticks(frame.y, style.font_size) * 100)
    body = joined(
        *_seen_bands(frame, result),
        value_axis(frame, lambda value: percent(value, decimals)),
        area(frame, result.drawdown, 0.0, palette.loss),
        line(frame, result.drawdown, palette.loss, width=1.2),
        time_axis(frame, result.time),
        _deepest(frame, result) if deepest < 0 else Svg(""),
    )
    return _drawing(canvas, body, "Drawdown: equity below its highest point so far")


def _deepest(frame: Frame, result: Result) -> Svg:
    row = int(result.drawdown.argmin())
    x, y = frame.x.at(row), frame.y.at(float(result.drawdown[row]))
    size, palette = frame.style.font_size, frame.style.palette
    label = f"{percent(result.drawdown[row], 1)} on {to_minute(result.time[row])[:10]}"
    width = frame.style.width_of(label)
    is_left = x + width + 12 > frame.right
    mark = tag("circle", cx=x, cy=y, r=3.5, fill=palette.loss)
    words = text(
        label,
        x - 8 if is_left else x + 8,
        y + size * 0.9,
        text_anchor="end" if is_left else "start",
        fill=palette.ink,
    )
    return joined(mark, words)


def _frame(
    result: Result,
    canvas: Canvas,
    series: Sequence[FloatArray],
    top: float,
    strip: float = 0.0,
) -> Frame:
    size = canvas.style.font_size
    bottom, right = canvas.height - size * 2, canvas.width - size
    return Frame(
        left=canvas.left,
        top=top,
        right=right,
        bottom=bottom,
        x=row_scale(len(result.time), canvas.left, right),
        y=value_scale(series, top, bottom - strip),
        style=canvas.style,
    )


def _seen_bands(frame: Frame, result: Result) -> list[Svg]:
    colours = _seen_colours(frame.style.palette)
    return [
        shade(frame, start, end, colours[Seen(part)])
        for start, end, part in runs(result.decisions.seen)
        if Seen(part) in colours
    ]


def _seen_keys(result: Result, palette: Palette) -> list[Key]:
    names = {Seen.TRAIN: "training part", Seen.VALIDATION: "validation part"}
    present = set(result.decisions.seen.tolist())
    return [
        Key(label=names[part], colour=colour, mark="box")
        for part, colour in _seen_colours(palette).items()
        if part in present
    ]


def _seen_colours(palette: Palette) -> dict[Seen, str]:
    return {Seen.TRAIN: palette.train, Seen.VALIDATION: palette.validation}


def _drawing(canvas: Canvas, body: Svg, title: str) -> Drawing:
    grouped = tag("g", body, font_size=canvas.style.font_size)
    return Drawing(width=canvas.width, height=canvas.height, body=grouped, title=title)
