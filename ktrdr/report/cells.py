"""Table cells: a number for people, with the exact value for programs."""

from dataclasses import dataclass

from ktrdr.backtesting import MEASURES, Interval, Measure, ResultManifest
from ktrdr.report.wording import NOT_DEFINED, duration, money, number, percent

_UNDEFINED = {
    "annual_return": "the period is too short",
    "volatility": "fewer than two bars",
    "sharpe": "the returns don't vary",
    "sortino": "no bar lost",
    "calmar": "there was no drawdown",
    "win_rate": "no trades",
    "profit_factor": "no trade lost",
    "expectancy": "no trades",
    "average_trade_return": "no trades",
    "average_win": "no trade gained",
    "average_loss": "no trade lost",
    "largest_win": "no trade gained",
    "largest_loss": "no trade lost",
    "average_holding_bars": "no trades",
    "average_holding_hours": "no trades",
}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One number in a table.

    Attributes
    ----------
    text : str
        As people read it.
    value : float or None
        Exactly; None where it is not defined.
    reason : str
        Why it is not defined; empty otherwise.
    """

    text: str
    value: float | None
    reason: str = ""

    @property
    def is_negative(self) -> bool:
        """Whether the text shows a number below 0."""
        return self.value is not None and self.value < 0


@dataclass(frozen=True, kw_only=True)
class MeasureRow:
    """One measure of the strategy, with its interval, beside buy and hold."""

    measure: Measure
    value: Cell
    low: Cell | None
    high: Cell | None
    hold: Cell | None


def cell(value: float | None, unit: str, *, reason: str = "") -> Cell:
    """Return ``value`` in a unit of measures, or that it is not defined."""
    if value is None:
        return Cell(text=NOT_DEFINED, value=None, reason=reason)
    return Cell(text=_text(value, unit), value=value)


def _text(value: float, unit: str) -> str:
    match unit:
        case "fraction":
            return percent(value)
        case "money":
            return money(value)
        case "hours":
            return duration(value * 3600)
        case "count":
            return number(value, 0)
        case "bars":
            noun = "bar" if value == 1 else "bars"
            return f"{number(value, 0 if value % 1 == 0 else 1)} {noun}"
    return number(value)


def measure_rows(manifest: ResultManifest) -> list[MeasureRow]:
    """Return all measures in the order of ``MEASURES``."""
    return [
        _row(known, manifest.measures[known.name], manifest)
        for known in MEASURES
        if known.name in manifest.measures
    ]


def row_named(manifest: ResultManifest, name: str) -> MeasureRow:
    """Return the row of one measure."""
    known = next(measure for measure in MEASURES if measure.name == name)
    return _row(known, manifest.measures.get(name, Interval(value=None)), manifest)


def _row(known: Measure, found: Interval, manifest: ResultManifest) -> MeasureRow:
    reason = _UNDEFINED.get(known.name, "")
    held = manifest.buy_and_hold
    return MeasureRow(
        measure=known,
        value=cell(found.value, known.unit, reason=reason),
        low=None if found.low is None else cell(found.low, known.unit),
        high=None if found.high is None else cell(found.high, known.unit),
        hold=(
            cell(held[known.name], known.unit, reason=reason)
            if known.name in held
            else None
        ),
    )
