"""The strategy's return beside what takes no skill."""

from ktrdr.backtesting import NullComparison, ResultManifest
from ktrdr.report.plot import Drawing, Style
from ktrdr.report.scales import Scale, nice_ticks, padded, tick_decimals
from ktrdr.report.svg import Svg, joined, straight, tag, text
from ktrdr.report.wording import percent

_LABEL_LETTERS = 16


def null_figure(
    manifest: ResultManifest, style: Style, *, width: float
) -> Drawing | None:
    """Draw total returns: strategy, buy and hold, and the range of random entries.

    None without trades, as nothing is there to compare.
    """
    null = manifest.random_entries
    if null is None:
        return None
    size = style.font_size
    total = manifest.final_equity / manifest.initial_cash - 1
    hold = manifest.buy_and_hold.get("total_return")
    known = [total, null.low_return, null.high_return, 0.0]
    low, high = padded(
        min([*known, *([hold] if hold is not None else [])]),
        max([*known, *([hold] if hold is not None else [])]),
    )
    left, row_height = size * _LABEL_LETTERS * 0.6, size * 2.2
    x = Scale(low=low, high=high, start=left, end=width - size * 4)
    colour = style.palette.loss if total < 0 else style.palette.accent
    rows = [
        _row(0, "strategy", _dot(x, total, row_height * 0.5, colour), style),
        _row(1, "random entries", _range(x, null, row_height * 1.5, style), style),
    ]
    if hold is not None:
        dot = _dot(x, hold, row_height * 2.5, style.palette.compare)
        rows.append(_row(2, "buy and hold", dot, style))
    bottom = row_height * len(rows)
    body = joined(_grid(x, bottom, style), *rows)
    return Drawing(
        width=width,
        height=bottom + size * 2,
        body=tag("g", body, font_size=size),
        title="Total return of the strategy, of random entries and of buy and hold",
    )


def _row(index: int, label: str, marks: Svg, style: Style) -> Svg:
    baseline = style.font_size * (2.2 * (index + 0.5) + 0.35)
    return joined(text(label, 0, baseline, fill=style.palette.muted), marks)


def _dot(x: Scale, value: float, y: float, colour: str) -> Svg:
    dot = tag("circle", cx=x.at(value), cy=y, r=5, fill=colour)
    words = text(percent(value, 1), x.at(value) + 9, y + 4, fill=colour)
    return joined(dot, words)


def _range(x: Scale, null: NullComparison, y: float, style: Style) -> Svg:
    left, right = x.at(null.low_return), x.at(null.high_return)
    band = tag(
        "rect",
        x=left,
        y=y - 5,
        width=max(right - left, 1.0),
        height=10,
        rx=2,
        fill=style.palette.compare,
        fill_opacity=0.4,
    )
    middle = tag(
        "rect",
        x=x.at(null.median_return) - 1,
        y=y - 8,
        width=2,
        height=16,
        fill=style.palette.ink,
    )
    return joined(band, middle)


def _grid(x: Scale, bottom: float, style: Style) -> Svg:
    size, palette = style.font_size, style.palette
    ticks = nice_ticks(x.low, x.high, max(int((x.end - x.start) / (size * 5.5)), 3))
    digits = tick_decimals(ticks * 100)
    parts = []
    for tick in ticks.tolist():
        at = x.at(tick)
        colour = palette.muted if tick == 0 else palette.grid
        parts += [
            straight(at, 0, at, bottom, colour),
            text(
                percent(tick, digits),
                at,
                bottom + size * 1.4,
                text_anchor="middle",
                fill=palette.muted,
            ),
        ]
    return joined(*parts)
