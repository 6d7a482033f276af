import re
from functools import cache

import numpy as np
import pytest

from ktrdr.report.figures import (
    Canvas,
    drawdown_figure,
    equity_figure,
    left_margin,
    price_figure,
)
from ktrdr.report.null_figure import null_figure
from ktrdr.report.plot import Style
from ktrdr.report.theme import LIGHT
from ktrdr.report.trade_marks import drawn_trades
from ktrdr.report.wording import compact
from ktrdr.strategy import BacktestSpec, FractionSizing
from tests.builders import random_bars
from tests.unit.report.results import eurusd, random_targets, result_of

STYLE = Style(palette=LIGHT)
FIGURES = (price_figure, equity_figure, drawdown_figure)


@cache
def results():
    ruinous = BacktestSpec(sizing=FractionSizing(type="fraction", fraction=20.0))
    wild = random_bars(900, volatility=0.02, seed=2)
    flat = random_bars(40, volatility=0.0, gap_volatility=0.0)
    return {
        "usual": result_of(eurusd(1200), random_targets(1200)),
        "seen": result_of(eurusd(500), random_targets(500), n_seen=400),
        "ruin": result_of(wild, random_targets(900), ruinous),
        "one bar": result_of(eurusd(1), np.zeros(1, np.int8)),
        "constant": result_of(flat, np.zeros(40, np.int8), BacktestSpec()),
        "many trades": result_of(eurusd(6000), random_targets(6000, hold=4)),
    }


def canvas(result, width=800.0):
    left = left_margin(result, STYLE)
    return Canvas(width=width, height=300.0, left=left, style=STYLE)


def points(svg):
    """All coordinates of all paths, as rows of x and y."""
    found = re.findall(r"[ML](-?[\d.]+),(-?[\d.]+)", svg)
    return np.array(found, dtype=float).reshape(-1, 2)


def attribute(svg, tag, name):
    elements = re.findall(rf"<{tag} [^>]*>", svg)
    values = [re.search(rf'\b{name}="(-?[\d.]+)"', element) for element in elements]
    return np.array([float(value[1]) for value in values if value])


@pytest.mark.parametrize("width", [800.0, 380.0])
@pytest.mark.parametrize(
    "name", ["usual", "seen", "ruin", "one bar", "constant", "many trades"]
)
@pytest.mark.parametrize("figure", FIGURES)
def test_everything_is_drawn_inside_the_canvas(figure, name, width):
    result = results()[name]
    svg = figure(result, canvas(result, width)).body
    x, y = points(svg).T
    for values, limit in (
        (x, width),
        (y, 300),
        (attribute(svg, "circle", "cx"), width),
        (attribute(svg, "circle", "cy"), 300),
        (attribute(svg, "text", "x"), width),
        (attribute(svg, "text", "y"), 300),
    ):
        assert ((values >= 0) & (values <= limit)).all()
    assert "nan" not in svg


def test_lines_reach_the_extremes_of_long_series():
    result = results()["many trades"]
    svg = drawdown_figure(result, canvas(result)).body
    line = re.findall(r'<path d="([^"]+)" fill="none"', svg)[0]
    y = points(line)[:, 1]
    deepest = attribute(svg, "circle", "cy")[0]
    assert y.max() == pytest.approx(deepest, abs=0.06)


def test_each_trade_has_a_mark_with_words():
    result = results()["usual"]
    svg = price_figure(result, canvas(result)).body
    tips = re.findall("<title>((?:Long|Short): [^<]+)</title>", svg)
    assert len(tips) == len(result.trades)
    trades = result.trades
    side = "Long" if trades.size[0] > 0 else "Short"
    assert tips[0].startswith(f"{side}: {str(result.time[trades.entry_bar[0]])[:10]} ")
    assert f"at {trades.entry_price[0]:.5f} to" in tips[0]
    assert re.search(r"\((signal|stop loss|take profit)\), profit", tips[0])


def test_of_many_trades_the_largest_are_marked_and_their_number_is_told():
    result = results()["many trades"]
    drawn = canvas(result)
    most = int(drawn.width - drawn.left) // 4
    assert len(result.trades) > most
    svg = price_figure(result, drawn).body
    assert len(re.findall("<title>(?:Long|Short): ", svg)) == most
    assert f"({most} largest of {len(result.trades):,}".replace(",", "\u202f") in svg
    rows = drawn_trades(result.trades, most)
    marked = np.abs(result.trades.profit[rows])
    others = np.abs(np.delete(result.trades.profit, rows))
    assert marked.min() >= others.max()
    assert (np.diff(rows) > 0).all()


def test_bars_that_the_model_had_seen_are_shaded():
    result = results()["seen"]
    drawn = canvas(result)
    svg = price_figure(result, drawn).body
    number = r'"([\d.]+)"'
    band = rf'<rect x={number} y="[^"]+" width={number} [^>]*fill="([^"]+)"'
    bands = re.findall(band, svg)
    room = drawn.width - STYLE.font_size - drawn.left
    by_colour = {
        colour: (float(x), float(width))
        for x, width, colour in bands
        if colour in (LIGHT.train, LIGHT.validation) and float(width) > 20
    }
    train, validation = by_colour[LIGHT.train], by_colour[LIGHT.validation]
    assert train == pytest.approx((drawn.left, 0.6 * room), abs=0.1)
    assert validation == pytest.approx((drawn.left + 0.6 * room, 0.2 * room), abs=0.1)
    assert "training part" in svg
    usual = results()["usual"]
    assert "training part" not in price_figure(usual, canvas(usual)).body


def test_buy_and_hold_is_drawn_beside_the_equity_with_its_final_value():
    result = results()["usual"]
    drawn = equity_figure(result, canvas(result)).body
    assert f"buy and hold {compact(result.hold_equity[-1])}" in drawn


def test_comparison_needs_trades():
    assert null_figure(results()["one bar"].manifest, STYLE, width=800) is None
    drawn = null_figure(results()["usual"].manifest, STYLE, width=800)
    assert drawn is not None
    assert "random entries" in drawn.body
