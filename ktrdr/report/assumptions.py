"""How the trading was simulated, in words."""

from collections.abc import Mapping

from ktrdr.report.wording import number, percent, plural
from ktrdr.schemas import ParameterValue
from ktrdr.strategy import BacktestSpec, CostsSpec, Sizing, StopsSpec


def assumptions_of(spec: BacktestSpec) -> list[str]:
    """Return one sentence about fills, costs, size and stops each."""
    sentences = [
        "Decided at each bar's close, filled at the next bar's open.",
        f"Costs of each fill: {_costs(spec.costs)}.",
        f"Position size: {_sizing(spec.sizing)}{_lot_step(spec.lot_step)}.",
        f"Stops: {_stops(spec.stops)}.",
    ]
    if spec.stops != StopsSpec():
        sentences.append(
            "A gap through a stop or target fills at the bar's open; where one bar "
            "touches both, the stop is taken to have come first."
        )
    return sentences


def replaced_settings(overrides: Mapping[str, ParameterValue]) -> list[str]:
    """Return a sentence about settings that are not those of the model's strategy."""
    if not overrides:
        return []
    values = ", ".join(f"{path} = {_word(each)}" for path, each in overrides.items())
    return [f"Settings replaced for this backtest: {values}."]


def _word(value: ParameterValue) -> str:
    if isinstance(value, bool) or value is None:
        return "none" if value is None else str(value).lower()
    return _plain(value) if isinstance(value, float) else str(value)


def _rate(value: float) -> str:
    return percent(value, _digits(value * 100))


def _digits(value: float) -> int:
    return len(f"{value:.10f}".rstrip("0").partition(".")[2])


def _plain(value: float) -> str:
    return number(value, _digits(value))


def _costs(costs: CostsSpec) -> str:
    words = [
        f"{_rate(costs.commission_rate)} commission" if costs.commission_rate else "",
        (
            f"{_plain(costs.commission_per_unit)} commission per unit"
            if costs.commission_per_unit
            else ""
        ),
        (
            f"at least {_plain(costs.commission_minimum)} commission"
            if costs.commission_minimum
            else ""
        ),
        f"half of {_rate(costs.spread_rate)} spread" if costs.spread_rate else "",
        (
            f"{_rate(costs.slippage_rate)} slippage, except at targets"
            if costs.slippage_rate
            else ""
        ),
    ]
    return ", ".join(word for word in words if word) or "none"


def _sizing(sizing: Sizing) -> str:
    match sizing.type:
        case "fraction":
            return f"{_rate(sizing.fraction)} of equity"
        case "units":
            return _units(sizing.units)
        case "risk":
            return (
                f"such that the stop loss costs {_rate(sizing.risk)} of equity, at "
                f"most {_rate(sizing.max_fraction)} of equity"
            )
        case "volatility_target":
            return (
                f"for {_rate(sizing.target)} annual volatility, judged by the last "
                f"{plural(sizing.lookback, 'return')}, at most "
                f"{_rate(sizing.max_fraction)} of equity"
            )


def _units(units: float) -> str:
    return f"{_plain(units)} {'unit' if units == 1 else 'units'}"


def _lot_step(step: float) -> str:
    return f", rounded down to a multiple of {_plain(step)}" if step else ""


def _stops(stops: StopsSpec) -> str:
    named = {
        "stop loss": stops.stop_loss,
        "take profit": stops.take_profit,
        "trailing stop": stops.trailing_stop,
    }
    words = [f"{name} {_rate(value)}" for name, value in named.items() if value]
    return f"{', '.join(words)} from the entry price" if words else "none"
