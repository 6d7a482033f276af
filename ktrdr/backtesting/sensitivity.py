"""How much of the result hangs on what is assumed: costs, and order within a bar."""

from ktrdr.backtesting.equity_statistics import EquityStatistics, equity_statistics
from ktrdr.backtesting.market import Market
from ktrdr.backtesting.measures import number_or_none
from ktrdr.backtesting.return_measures import years_of
from ktrdr.backtesting.simulation import Simulation
from ktrdr.schemas import CostPoint
from ktrdr.strategy import BacktestSpec, CostsSpec
from ktrdr.typing import TargetArray

COST_MULTIPLES = (0.0, 1.0, 2.0, 4.0)


def cost_sensitivity(
    market: Market, targets: TargetArray, spec: BacktestSpec
) -> tuple[CostPoint, ...]:
    """Return the result at each of ``COST_MULTIPLES`` times all costs.

    The decisions stay as they are; position sizes follow the other equity, and
    stops the other entry prices. A multiple at which a sale would fetch nothing is
    left out.
    """
    points = []
    for multiple in COST_MULTIPLES:
        costs = scaled_costs(spec.costs, multiple)
        if costs.spread_rate / 2 + costs.slippage_rate < 1:
            scaled = spec.model_copy(update={"costs": costs})
            points.append(_point(market, targets, scaled, multiple))
    return tuple(points)


def optimistic_twin(
    market: Market, targets: TargetArray, spec: BacktestSpec
) -> dict[str, float | None]:
    """Return the result if the target came first in every bar that touched both.

    The truth lies between this and the backtest, which lets the stop come first.
    ``total_return``, ``sharpe`` and ``n_trades``.
    """
    simulation = market.simulate(targets, spec, optimistic=True)
    found = _statistics(market, simulation, spec)
    return {
        "total_return": number_or_none(found.total_return),
        "sharpe": number_or_none(found.sharpe),
        "n_trades": float(len(simulation.trades)),
    }


def scaled_costs(costs: CostsSpec, multiple: float) -> CostsSpec:
    """Return costs that are all ``multiple`` times as high."""
    return costs.model_copy(
        update={name: value * multiple for name, value in costs.model_dump().items()}
    )


def _point(
    market: Market, targets: TargetArray, spec: BacktestSpec, multiple: float
) -> CostPoint:
    simulation = market.simulate(targets, spec)
    found = _statistics(market, simulation, spec)
    return CostPoint(
        multiple=multiple,
        total_return=found.total_return,
        sharpe=number_or_none(found.sharpe),
        n_trades=len(simulation.trades),
    )


def _statistics(
    market: Market, simulation: Simulation, spec: BacktestSpec
) -> EquityStatistics:
    return equity_statistics(
        simulation.equity,
        initial_cash=spec.initial_cash,
        years=years_of(market.bars),
    )
