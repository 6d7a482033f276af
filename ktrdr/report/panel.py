"""The numbers beside the charts of the picture."""

from ktrdr.backtesting import CostPoint, ResultManifest
from ktrdr.report.cells import MeasureRow, cell, row_named
from ktrdr.report.plot import Style
from ktrdr.report.svg import Svg, joined, straight, tag, text
from ktrdr.report.theme import LIGHT
from ktrdr.report.wording import MINUS, NOT_DEFINED, percent, wrapped

_MEASURES = (
    "total_return",
    "annual_return",
    "volatility",
    "sharpe",
    "sortino",
    "max_drawdown",
    "exposure",
    "n_trades",
    "win_rate",
    "profit_factor",
    "expectancy",
)
# Right edges of the two columns of numbers.
_VALUES, _ASIDES = 246.0, 406.0
_MOST_LINES = 24
_RULE_HEIGHT = 17


def panel(manifest: ResultManifest, height: float) -> Svg:
    """Return measures, comparisons, costs and rules, 406 pixels wide."""
    lines = [*_measures(manifest), *_comparisons(manifest), *_costs(manifest)]
    row_height = min(27.0, height / _MOST_LINES)
    placed = [
        tag("g", line, transform=f"translate(0 {16 + i * row_height:.1f})")
        for i, line in enumerate(lines)
    ]
    return joined(*placed, _rules(manifest, 16 + (len(lines) + 1) * row_height, height))


def _measures(manifest: ResultManifest) -> list[Svg]:
    rows = [row_named(manifest, name) for name in _MEASURES]
    interval = f"{percent(manifest.confidence, 0)} interval"
    return [
        _heading("Measures", "", interval),
        *(_line(row.measure.title, row.value.text, _between(row)) for row in rows),
    ]


def _between(row: MeasureRow) -> str:
    if row.low is None or row.high is None:
        return ""
    return f"{row.low.text} to {row.high.text}"


def _comparisons(manifest: ResultManifest) -> list[Svg]:
    hold = cell(manifest.buy_and_hold.get("total_return"), "fraction").text
    lines = [
        Svg(""),
        _heading("Beside it", "return", ""),
        _line("Buy and hold", hold, ""),
    ]
    null = manifest.random_entries
    if null is not None:
        limits = f"{percent(null.low_return)} to {percent(null.high_return)}"
        lines += [
            _line("Random entries", percent(null.median_return), limits),
            _line("p-value", f"{null.p_value:.3f}", ""),
        ]
    return lines


def _costs(manifest: ResultManifest) -> list[Svg]:
    return [
        Svg(""),
        _heading("If all costs were", "return", "Sharpe"),
        *(
            _line(
                _multiple(point),
                percent(point.total_return),
                cell(point.sharpe, "ratio").text,
            )
            for point in manifest.cost_sensitivity
        ),
    ]


def _multiple(point: CostPoint) -> str:
    named = {0.0: "none", 1.0: "as assumed"}
    return named.get(point.multiple, f"{point.multiple:g} times")


def _rules(manifest: ResultManifest, top: float, height: float) -> Svg:
    # As many of the rules as there is room for below the numbers.
    lines: list[str] = []
    for rule in manifest.rules[1:]:
        words = wrapped(rule, 60, most=4)
        if top + (len(lines) + len(words)) * _RULE_HEIGHT > height:
            break
        lines += words
    if not lines:
        return Svg("")
    heading = text("Its main rules", 0, top, font_size=15, font_weight="bold")
    return joined(
        heading,
        *(
            text(
                line,
                0,
                top + 22 + _RULE_HEIGHT * i,
                font_size=12.5,
                fill=LIGHT.muted,
            )
            for i, line in enumerate(lines)
        ),
    )


def _heading(left: str, middle: str, right: str) -> Svg:
    muted = LIGHT.muted
    return joined(
        text(left, 0, 0, font_size=15, font_weight="bold"),
        text(middle, _VALUES, 0, font_size=13, fill=muted, text_anchor="end"),
        text(right, _ASIDES, 0, font_size=13, fill=muted, text_anchor="end"),
        straight(0, 8, _ASIDES, 8, muted),
    )


def _line(label: str, value: str, aside: str) -> Svg:
    colour = LIGHT.loss if value.startswith(MINUS) else LIGHT.ink
    if value == NOT_DEFINED:
        colour = LIGHT.muted
    return joined(
        text(label, 0, 4, font_size=14),
        _fitted(value, _VALUES, 15, 110, colour),
        _fitted(aside, _ASIDES, 13, _ASIDES - _VALUES - 12, LIGHT.muted),
    )


def _fitted(words: str, right: float, size: float, room: float, colour: str) -> Svg:
    # Words that would reach into the column before them are written smaller.
    needed = Style(palette=LIGHT, font_size=size).width_of(words)
    size = min(size, size * room / max(needed, 1.0))
    return text(words, right, 4, font_size=size, fill=colour, text_anchor="end")
