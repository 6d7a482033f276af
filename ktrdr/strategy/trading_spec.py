"""How outputs become decisions, and what trading on them costs."""

from typing import Annotated, Literal

from pydantic import Field

from ktrdr.schemas import Part

Rate = Annotated[float, Field(ge=0, lt=1)]
StopRate = Annotated[float, Field(gt=0, lt=1)]
# Of money and units: products of two of them are still exact enough.
LARGEST = 1e12


class Thresholds(Part):
    """What an output must reach for a position to be taken.

    Classification: least probability of the class. Regression: least predicted
    return, or for shorts its negative.
    """

    long: Annotated[float, Field(ge=0, lt=1)] = 0.0
    short: Annotated[float, Field(ge=0, lt=1)] = 0.0


class DecisionsSpec(Part):
    """How the network's outputs become target positions."""

    format: Literal["classification", "regression"]
    thresholds: Thresholds = Thresholds()
    min_signal_separation: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        default=0, description="Least number of bars between two entries."
    )
    shorts: bool = True
    exit_on: Literal["neutral", "opposite"] = Field(
        default="neutral",
        description="Leave a position when the signal ends, or only when it turns.",
    )


class CostsSpec(Part):
    """What each fill costs. Rates are fractions of its price or value."""

    commission_rate: Rate = 0.0
    commission_per_unit: Annotated[float, Field(ge=0, le=LARGEST)] = 0.0
    commission_minimum: Annotated[float, Field(ge=0, le=LARGEST)] = 0.0
    spread_rate: Rate = Field(
        default=0.0, description="Full spread; every fill pays half of it."
    )
    slippage_rate: Rate = Field(
        default=0.0, description="Paid by market and stop fills, not by targets."
    )


class FractionSizing(Part):
    """A fraction of equity; above 1 it is leveraged."""

    type: Literal["fraction"]
    fraction: Annotated[float, Field(gt=0, le=100)] = 1.0


class UnitsSizing(Part):
    """A fixed number of units."""

    type: Literal["units"]
    units: Annotated[float, Field(gt=0, le=LARGEST)]


class RiskSizing(Part):
    """As many units as lose ``risk`` of equity at the stop loss, which must be set."""

    type: Literal["risk"]
    risk: Annotated[float, Field(gt=0, lt=1)]
    max_fraction: Annotated[float, Field(gt=0, le=100)] = 1.0


class VolatilitySizing(Part):
    """Position whose expected annual volatility is ``target``.

    Volatility is that of the last ``lookback`` simple returns before the decision.
    """

    type: Literal["volatility_target"]
    target: Annotated[float, Field(gt=0, le=10)]
    lookback: Annotated[int, Field(ge=2, le=100_000)] = 100
    max_fraction: Annotated[float, Field(gt=0, le=100)] = 1.0


Sizing = Annotated[
    FractionSizing | UnitsSizing | RiskSizing | VolatilitySizing,
    Field(discriminator="type"),
]


class StopsSpec(Part):
    """Distances from the entry's fill price, as fractions of it."""

    stop_loss: StopRate | None = None
    take_profit: Annotated[float, Field(gt=0, le=1000)] | None = None
    trailing_stop: StopRate | None = Field(
        default=None,
        description="Distance from the best price since entry.",
    )


class BacktestSpec(Part):
    """Money, costs, position size and stops of a backtest."""

    initial_cash: Annotated[float, Field(gt=0, le=LARGEST)] = 100_000.0
    costs: CostsSpec = CostsSpec()
    sizing: Sizing = FractionSizing(type="fraction")
    stops: StopsSpec = StopsSpec()
    lot_step: Annotated[float, Field(ge=0, le=LARGEST)] = Field(
        default=0.0, description="Sizes are rounded down to a multiple; 0 is any size."
    )
