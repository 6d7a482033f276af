"""The HTML page: one file that asks nothing of the network."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ktrdr.backtesting import Result
from ktrdr.errors import StrategyError
from ktrdr.models import Manifest, membership_curves
from ktrdr.report.assumptions import assumptions_of, replaced_settings
from ktrdr.report.cells import cell, measure_rows, row_named
from ktrdr.report.figures import (
    Canvas,
    drawdown_figure,
    equity_figure,
    left_margin,
    price_figure,
)
from ktrdr.report.memberships import membership_figure
from ktrdr.report.monthly import monthly_returns
from ktrdr.report.null_figure import null_figure
from ktrdr.report.plot import Drawing, Style
from ktrdr.report.theme import DARK, LIGHT, PAGE, css_variables
from ktrdr.report.trade_rows import trade_rows
from ktrdr.report.verdict import verdict_of
from ktrdr.report.wording import (
    moment_in_words,
    money,
    number,
    percent,
    plain,
    plural,
)
from ktrdr.storage import blob_path
from ktrdr.strategy import Strategy, parse_strategy

_KEY_MEASURES = ("total_return", "sharpe", "max_drawdown", "win_rate", "n_trades")
_WIDE = Style(palette=PAGE, font_size=12)
# On a phone this drawing is shrunk to three quarters; its letters stay readable.
_NARROW = Style(palette=PAGE, font_size=14)
_WIDTHS = {"wide": (_WIDE, 1000.0), "narrow": (_NARROW, 440.0)}


def page(result: Result, model: Manifest | None = None) -> str:
    """Return the report on ``result`` as an HTML document.

    Parameters
    ----------
    result : Result
        What is reported.
    model : Manifest or None
        The model that was backtested, for its membership functions and split; None
        where it is gone, which the page then says.
    """
    manifest = result.manifest
    strategy = _strategy_of(result)
    css = _css()
    return (
        _environment()
        .get_template("report.html")
        .render(
            result=result,
            manifest=manifest,
            model=model,
            strategy=strategy,
            css=Markup(css),
            policy=Markup(page_policy()),
            verdict=verdict_of(manifest),
            key_rows=[row_named(manifest, name) for name in _KEY_MEASURES],
            rows=measure_rows(manifest),
            years=monthly_returns(result.time, result.equity, manifest.initial_cash),
            charts=_charts(result),
            memberships=_memberships(strategy, model),
            assumptions=[
                *replaced_settings(result.manifest.request.overrides),
                *(assumptions_of(strategy.backtest) if strategy else []),
            ],
            trades=trade_rows(result),
            tables=_tables(result),
        )
    )


@cache
def page_policy() -> str:
    """Return the Content-Security-Policy of the page: its own style, no script."""
    fingerprint = base64.b64encode(hashlib.sha256(_css().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{fingerprint}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _strategy_of(result: Result) -> Strategy | None:
    # A result outlives the grammar it was written in.
    try:
        return parse_strategy(result.manifest.strategy_yaml)
    except StrategyError:
        return None


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One chart in the widths of a desk and of a phone."""

    wide: Markup
    narrow: Markup


def _charts(result: Result) -> dict[str, Chart | None]:
    makers = {
        "price": (price_figure, 330.0),
        "equity": (equity_figure, 270.0),
        "drawdown": (drawdown_figure, 170.0),
    }
    margins = {name: left_margin(result, style) for name, (style, _) in _WIDTHS.items()}

    def drawn(name: str, width_name: str) -> Drawing:
        maker, height = makers[name]
        style, width = _WIDTHS[width_name]
        left = margins[width_name]
        canvas = Canvas(width=width, height=height, left=left, style=style)
        return maker(result, canvas)

    charts: dict[str, Chart | None] = {
        name: _chart([drawn(name, width) for width in _WIDTHS]) for name in makers
    }
    nulls = [
        null_figure(result.manifest, style, width=width)
        for style, width in _WIDTHS.values()
    ]
    charts["nulls"] = _chart([drawing for drawing in nulls if drawing is not None])
    return charts


def _chart(drawings: Sequence[Drawing]) -> Chart | None:
    if not drawings:
        return None
    wide, narrow = (
        Markup(drawing.as_svg(f"chart {name}"))
        for drawing, name in zip(drawings, _WIDTHS, strict=True)
    )
    return Chart(wide=wide, narrow=narrow)


@dataclass(frozen=True, kw_only=True)
class MembershipChart:
    """The membership functions of one fuzzy set, with what they belong to."""

    title: str
    indicator: str
    drawing: Markup


def _memberships(
    strategy: Strategy | None, model: Manifest | None
) -> list[MembershipChart]:
    if strategy is None or model is None:
        return []
    return [
        MembershipChart(
            title=curves.title,
            indicator=curves.indicator,
            drawing=Markup(membership_figure(curves, _WIDE).as_svg("chart")),
        )
        for curves in membership_curves(strategy, model.features.fitted)
    ]


@dataclass(frozen=True, kw_only=True)
class StoredTable:
    """One table of the result, and where the artifact store keeps it."""

    name: str
    digest: str
    n_rows: int

    @property
    def path(self) -> str:
        """Path within the artifact store."""
        return blob_path(self.digest)


def _tables(result: Result) -> list[StoredTable]:
    manifest, n_bars = result.manifest, len(result.time)
    return [
        StoredTable(name="trades", digest=manifest.trades, n_rows=len(result.trades)),
        StoredTable(name="equity", digest=manifest.equity, n_rows=n_bars),
        StoredTable(name="decisions", digest=manifest.decisions, n_rows=n_bars),
    ]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ktrdr.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters.update(
        percent=percent,
        money=money,
        whole=lambda value: number(value, 0),
        plural=plural,
        cell=cell,
        date=moment_in_words,
    )
    return environment


def _finalize(value: object) -> object:
    if isinstance(value, str) and not isinstance(value, Markup):
        return plain(value)
    return value


def _css() -> str:
    template = _environment().get_template("report.css")
    return template.render(light=css_variables(LIGHT), dark=css_variables(DARK))
