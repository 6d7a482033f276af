"""The PNG: price, equity, drawdown and the key numbers in one picture."""

from pathlib import Path

from ktrdr.backtesting import Result, ResultManifest
from ktrdr.report.figures import (
    Canvas,
    drawdown_figure,
    equity_figure,
    left_margin,
    price_figure,
)
from ktrdr.report.panel import panel
from ktrdr.report.plot import Style
from ktrdr.report.svg import Svg, joined, tag, text
from ktrdr.report.theme import LIGHT
from ktrdr.report.verdict import Verdict, verdict_of
from ktrdr.report.wording import cut, moment_in_words, plural, wrapped

WIDTH, HEIGHT = 1600, 1000
_MARGIN = 44
_PANEL = 1150
_CHART_STYLE = Style(palette=LIGHT, font_size=14)
_FONT = "DejaVu Sans"
_DOT = "  \N{MIDDLE DOT}  "


def picture(result: Result) -> bytes:
    """Return the report on ``result`` as a PNG of 1600 by 1000 pixels.

    The same result gives the same bytes on every machine: the font comes with
    ktrdr, those of the system are not looked at.
    """
    from resvg_py import svg_to_bytes

    return svg_to_bytes(
        svg_string=picture_svg(result),
        skip_system_fonts=True,
        font_dirs=[str(Path(__file__).parent / "fonts")],
        font_family=_FONT,
    )


def picture_svg(result: Result) -> Svg:
    """Return the drawing behind the picture."""
    verdict = verdict_of(result.manifest)
    header, top = _header(result.manifest, verdict)
    return tag(
        "svg",
        tag("rect", width=WIDTH, height=HEIGHT, fill=LIGHT.paper),
        header,
        _charts(result, top),
        tag(
            "g",
            panel(result.manifest, HEIGHT - 50 - top),
            transform=f"translate({_PANEL} {top:.1f})",
        ),
        _footer(result),
        xmlns="http://www.w3.org/2000/svg",
        width=WIDTH,
        height=HEIGHT,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        font_family=_FONT,
        fill=LIGHT.ink,
    )


def _header(manifest: ResultManifest, verdict: Verdict) -> tuple[Svg, float]:
    # Returns the header and where the charts may begin.
    period = manifest.period
    kicker = _DOT.join(
        [
            manifest.symbol,
            manifest.timeframe,
            f"{moment_in_words(period.start)} to {moment_in_words(period.end)} UTC",
            plural(period.n_bars, "bar"),
        ]
    )
    title = cut(f"{manifest.strategy_name}, version {manifest.model_version}", 80)
    parts = [
        text(cut(kicker, 140), _MARGIN, 46, font_size=15, fill=LIGHT.muted),
        text(title, _MARGIN, 84, font_size=28, font_weight="bold"),
    ]
    y = 120.0
    start = y - 18
    for line in wrapped(verdict.headline, 152, most=3):
        parts.append(text(line, _MARGIN + 18, y, font_size=18))
        y += 27
    for line in wrapped(" ".join(verdict.remarks), 195, most=2):
        parts.append(text(line, _MARGIN + 18, y, font_size=14, fill=LIGHT.muted))
        y += 21
    colours = {"gain": LIGHT.gain, "loss": LIGHT.loss, "unchanged": LIGHT.muted}
    bar = tag(
        "rect",
        x=_MARGIN,
        y=start,
        width=5,
        height=y - start - 10,
        fill=colours[verdict.tone],
    )
    if verdict.caution:
        parts.append(_banner(verdict.caution, y))
        y += 62
    return joined(bar, *parts), y + 8


def _banner(caution: str, y: float) -> Svg:
    width = WIDTH - 2 * _MARGIN
    box = tag(
        "rect",
        x=_MARGIN,
        y=y - 2,
        width=width,
        height=52,
        rx=6,
        fill=LIGHT.warning_paper,
        stroke=LIGHT.warning,
        stroke_width=2,
    )
    lines = [
        text(line, _MARGIN + 16, y + 19 + 20 * i, font_size=14, fill=LIGHT.warning)
        for i, line in enumerate(wrapped(f"NOT OUT OF SAMPLE. {caution}", 190, most=2))
    ]
    return joined(box, *lines)


def _charts(result: Result, top: float) -> Svg:
    makers = (
        ("Price and trades", price_figure, 0.43),
        ("Equity beside buy and hold", equity_figure, 0.35),
        ("Drawdown", drawdown_figure, 0.22),
    )
    left = left_margin(result, _CHART_STYLE)
    room, y = HEIGHT - 40 - top, top
    parts = []
    for name, maker, share in makers:
        height = room * share
        canvas = Canvas(
            width=_PANEL - 40 - _MARGIN,
            height=height - 30,
            left=left,
            style=_CHART_STYLE,
        )
        drawn = maker(result, canvas).body
        parts += [
            text(name, _MARGIN, y + 16, font_size=15, font_weight="bold"),
            tag("g", drawn, transform=f"translate({_MARGIN} {y + 26:.1f})"),
        ]
        y += height
    return joined(*parts)


def _footer(result: Result) -> Svg:
    manifest = result.manifest
    program = manifest.environment.get("ktrdr", "")
    words = _DOT.join(
        [
            f"ktrdr {program}",
            f"result {result.digest[:16]}",
            f"model {manifest.request.model[:16]}",
            f"made {moment_in_words(manifest.created_at)} UTC",
        ]
    )
    return text(cut(words, 170), _MARGIN, HEIGHT - 18, font_size=12, fill=LIGHT.muted)
