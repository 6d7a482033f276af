import base64
import hashlib
import re
from functools import cache
from html.parser import HTMLParser

import numpy as np
import pytest

from ktrdr.data import Timeframe
from ktrdr.report import page
from ktrdr.report.trade_rows import MOST_ROWS
from ktrdr.strategy import BacktestSpec, FractionSizing
from tests.builders import random_bars
from tests.unit.report.models import model_manifest
from tests.unit.report.results import (
    SPEC,
    STRATEGY,
    eurusd,
    random_targets,
    result_of,
)

SECTIONS = [
    "title",
    "verdict",
    "seen",
    "price",
    "equity",
    "drawdown",
    "months",
    "measures",
    "nulls",
    "costs",
    "ambiguous",
    "rules",
    "memberships",
    "trades",
    "provenance",
]
VOID = {"meta", "link", "br"}
HOSTILE = "<script>alert(1)</script>\"'&\x00\u202e"


class Tree(HTMLParser):
    """Elements with their attributes, their section and their text."""

    def __init__(self, text):
        super().__init__()
        self.open: list[tuple[str, dict[str, str]]] = []
        self.elements: list[dict[str, str]] = []
        self.problems: list[str] = []
        self.feed(text)
        self.close()
        self.problems += [f"{name} is never closed" for name, _ in self.open]

    def handle_starttag(self, tag, attributes):
        element = {"tag": tag, "text": "", **dict(attributes)}
        element["section"] = next(
            (each["id"] for _, each in reversed(self.open) if "id" in each), ""
        )
        self.elements.append(element)
        if tag not in VOID:
            self.open.append((tag, element))

    def handle_startendtag(self, tag, attributes):
        self.elements.append(
            {"tag": tag, "text": "", "section": "", **dict(attributes)}
        )

    def handle_endtag(self, tag):
        name, _ = self.open.pop()
        if name != tag:
            self.problems.append(f"{name} is closed by {tag}")

    def handle_data(self, data):
        for _, element in self.open:
            element["text"] += data

    def find(self, **wanted):
        return [
            element
            for element in self.elements
            if all(element.get(key) == value for key, value in wanted.items())
        ]

    def section(self, name):
        (found,) = self.find(id=name)
        return " ".join(found["text"].split())


@cache
def result():
    return result_of(eurusd(), random_targets(1200))


@cache
def tree():
    return Tree(page(result(), model_manifest()))


def test_every_section_is_present_in_order():
    found = [each["id"] for each in tree().elements if "id" in each]
    assert found == SECTIONS
    assert tree().problems == []


def test_measures_equal_the_manifest_exactly():
    manifest = result().manifest
    rows = [each for each in tree().elements if "data-measure" in each]
    assert [row["data-measure"] for row in rows] == list(manifest.measures)
    shown = [each for each in tree().find(tag="data", section="measures")]
    values = [float(each["value"]) for each in shown]
    expected = []
    for name, found in manifest.measures.items():
        numbers = [found.value, found.low, found.high, manifest.buy_and_hold.get(name)]
        expected += [number for number in numbers if number is not None]
    assert values == expected


def test_months_compound_to_the_total_return():
    months = tree().find(tag="data", section="months")
    *parts, whole = (float(each["value"]) for each in months)
    assert np.prod([1 + part for part in parts]) == pytest.approx(1 + whole)
    assert whole == pytest.approx(result().manifest.measures["total_return"].value)


def test_costs_and_nulls_equal_the_manifest():
    manifest = result().manifest
    costs = [float(each["value"]) for each in tree().find(tag="data", section="costs")]
    assert costs == [
        number
        for point in manifest.cost_sensitivity
        for number in (point.total_return, point.sharpe, point.n_trades)
    ]
    null = manifest.random_entries
    nulls = [float(each["value"]) for each in tree().find(tag="data", section="nulls")]
    assert {null.median_return, null.low_return, null.high_return, null.p_value} <= set(
        nulls
    )


def test_negative_numbers_are_marked_and_no_others():
    for each in tree().find(tag="data"):
        assert (each.get("class") == "neg") == (float(each["value"]) < 0)


def test_trades_are_listed():
    rows = [row for row in tree().find(tag="tr", section="trades") if row["text"]]
    assert len(rows) == len(result().trades) + 1
    assert "stop loss" in tree().section("trades")


def test_the_first_line_says_what_was_lost():
    assert tree().section("verdict").startswith("Lost ")
    (verdict,) = tree().find(id="verdict")
    assert verdict["class"] == "verdict loss"


def test_provenance_tells_how_to_repeat_it():
    text = tree().section("provenance")
    assert f"ktrdr rerun {result().digest}" in text
    manifest = result().manifest
    for part in (
        manifest.request.model,
        f"blobs/{manifest.trades[:2]}/{manifest.trades}",
        manifest.environment["commit"],
        "2017-01-02 00:00 to 2017-07-31 00:00",
    ):
        assert part in text


def test_membership_functions_are_drawn():
    text = tree().section("memberships")
    assert "1h strength" in text
    assert "1h direction" in text
    assert len(tree().find(tag="svg", section="memberships")) == 2


def test_without_the_model_the_page_says_so():
    text = Tree(page(result())).section("memberships")
    assert text.endswith("The model is not at hand any more, so they can't be drawn.")


def test_a_strategy_of_another_release_is_no_obstacle():
    old = result_of(eurusd(50), np.zeros(50, np.int8), strategy_yaml="version: 2")
    text = Tree(page(old, model_manifest())).section("memberships")
    assert "written for another release" in text


def test_a_strategy_without_fuzzy_sets():
    inputs = "  - fuzzy_set: strength\n  - fuzzy_set: direction\n"
    head, _, rest = STRATEGY.partition("fuzzy_sets:")
    raw = head.replace("  macd: {type: macd}\n", "") + rest[
        rest.index("nn_inputs") :
    ].replace(inputs, "  - raw_indicator: rsi\n")
    plain = result_of(eurusd(50), np.zeros(50, np.int8), strategy_yaml=raw)
    text = Tree(page(plain, model_manifest(raw))).section("memberships")
    assert text.endswith("No input of this model is a fuzzy set.")


def test_nothing_is_asked_of_the_network():
    text = page(result(), model_manifest())
    parsed = Tree(text)
    for each in parsed.elements:
        assert each["tag"] not in {"script", "iframe", "object", "embed", "img", "base"}
        assert not [key for key in each if key.startswith("on")]
        for key in ("src", "href", "xlink:href", "action", "srcset", "style"):
            assert each.get(key, "data:,") == "data:,"
    assert not re.search(r"url\(|@import|https?://", text)


def test_content_security_policy_admits_this_style_sheet_only():
    (policy,) = tree().find(tag="meta", **{"http-equiv": "Content-Security-Policy"})
    (style,) = tree().find(tag="style")
    digest = base64.b64encode(hashlib.sha256(style["text"].encode()).digest()).decode()
    assert policy["content"].startswith(
        f"default-src 'none'; style-src 'sha256-{digest}'; "
    )


def test_both_schemes_and_paper_are_styled():
    (style,) = tree().find(tag="style")
    variables = re.findall(r"--([a-z_0-9-]+):", style["text"])
    assert len(variables) == 3 * len(set(variables))
    assert set(re.findall(r"var\(--([a-z_0-9-]+)\)", page(result()))) <= set(variables)
    for condition in ("prefers-color-scheme: dark", "max-width: 700px", "print"):
        assert condition in style["text"]


def test_hostile_texts_stay_texts():
    changed = result_of(
        eurusd(200),
        random_targets(200),
        strategy_name=HOSTILE,
        symbol=f"</title>{HOSTILE}",
        strategy_yaml=f"</pre>{HOSTILE}",
        rules=(HOSTILE, f"</li></style>{HOSTILE}"),
        environment={HOSTILE: HOSTILE},
    )
    text = page(changed)
    parsed = Tree(text)
    assert parsed.problems == []
    assert not parsed.find(tag="script")
    assert [each["id"] for each in parsed.elements if "id" in each] == SECTIONS
    assert not re.search("[\x00\u202e]", text)
    assert "<script>alert(1)</script>" in parsed.section("title")


def test_in_sample_bars_raise_a_banner():
    seen = Tree(page(result_of(eurusd(400), random_targets(400), n_seen=300)))
    (banner,) = seen.find(**{"class": "banner"})
    text = " ".join(banner["text"].split()).replace("\u202f", " ")
    assert text.startswith(
        "Not out of sampleThe model was made from 300 of 400 bars shown here"
    )
    assert "training part" in seen.section("price")
    assert not tree().find(**{"class": "banner"})


def test_ambiguous_bars_stand_beside_the_optimistic_result():
    changed = result_of(
        eurusd(300),
        random_targets(300),
        n_ambiguous_bars=2,
        optimistic={"total_return": 0.125, "sharpe": None, "n_trades": 7.0},
    )
    parsed = Tree(page(changed))
    values = [
        float(each["value"]) for each in parsed.find(tag="data", section="ambiguous")
    ]
    assert values[-2:] == [0.125, 7.0]
    assert "not defined" in parsed.section("ambiguous")


@pytest.mark.parametrize("n_bars", [1, 2, 300])
def test_without_trades(n_bars):
    empty = Tree(page(result_of(eurusd(n_bars), np.zeros(n_bars, np.int8))))
    assert empty.problems == []
    assert empty.section("verdict").startswith("Made no trade out of sample")
    assert empty.section("trades") == "Trades None."
    assert "not defined: no trades" in empty.section("measures")


def test_ruin():
    bars = random_bars(2000, volatility=0.02, seed=2)
    spec = BacktestSpec(sizing=FractionSizing(type="fraction", fraction=20.0))
    ruined = result_of(bars, random_targets(2000), spec)
    assert ruined.manifest.is_ruined
    parsed = Tree(page(ruined))
    assert parsed.problems == []
    assert parsed.section("verdict").startswith("Lost everything")


def test_the_same_result_gives_the_same_page():
    assert page(result(), model_manifest()) == page(result(), model_manifest())


@pytest.mark.slow
def test_a_million_bars_and_twenty_thousand_trades_stay_small():
    n_bars = 1_000_000
    bars = random_bars(n_bars, volatility=0.0005, timeframe=Timeframe.M1)
    many = result_of(bars, random_targets(n_bars, hold=22), BacktestSpec())
    assert len(many.trades) > 20_000
    text = page(many)
    assert len(text) < 2_000_000
    parsed = Tree(text)
    rows = [row for row in parsed.find(tag="tr", section="trades") if row["text"]]
    assert len(rows) == MOST_ROWS + 1
    assert "The first 1 000 of 2" in parsed.section("trades")
    assert "largest of" in parsed.section("price")


def test_constant_equity_and_price():
    flat = random_bars(100, volatility=0.0, gap_volatility=0.0)
    parsed = Tree(page(result_of(flat, np.ones(100, np.int8), BacktestSpec())))
    assert parsed.problems == []
    assert (
        "nan" not in page(result_of(flat, np.ones(100, np.int8), SPEC)).lower().split()
    )
