"""All measures of a backtest: their names, units, order and values."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ktrdr.backtesting.return_measures import (
    drawdown_of,
    longest_drawdown,
    return_measures,
    returns_of,
    years_of,
)
from ktrdr.backtesting.simulation import Simulation, Trades
from ktrdr.backtesting.trade_measures import (
    exposure,
    holding_bars,
    holding_hours,
    largest_loss,
    largest_win,
    trade_measures,
    trade_returns,
)
from ktrdr.data import Bars
from ktrdr.typing import FloatArray

Unit = Literal["fraction", "ratio", "money", "bars", "hours", "count"]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What one measure is called and how it is read.

    Attributes
    ----------
    name : str
        Key in a result's measures.
    title : str
        For people.
    unit : str
        ``fraction`` (0.01 is 1 %), ``ratio``, ``money``, ``bars``, ``hours`` or
        ``count``.
    meaning : str
        One sentence or formula.
    """

    name: str
    title: str
    unit: Unit
    meaning: str


def _measure(name: str, title: str, unit: Unit, meaning: str) -> Measure:
    return Measure(name=name, title=title, unit=unit, meaning=meaning)


MEASURES: tuple[Measure, ...] = (
    _measure(
        "total_return", "Total return", "fraction", "final equity / initial cash - 1"
    ),
    _measure(
        "annual_return",
        "Annual return",
        "fraction",
        "yearly rate that compounds to the total return over the calendar time",
    ),
    _measure(
        "volatility",
        "Annual volatility",
        "fraction",
        "standard deviation of the bars' returns, times the root of the bars a year",
    ),
    _measure(
        "sharpe",
        "Sharpe ratio",
        "ratio",
        "annual mean of the bars' returns / annual volatility, riskless return 0",
    ),
    _measure(
        "sortino",
        "Sortino ratio",
        "ratio",
        "as Sharpe, with the root mean square of the losing bars' returns below",
    ),
    _measure(
        "calmar", "Calmar ratio", "ratio", "annual return / depth of the drawdown"
    ),
    _measure(
        "max_drawdown",
        "Deepest drawdown",
        "fraction",
        "lowest equity below the highest before it, at bars' closes",
    ),
    _measure(
        "max_drawdown_bars",
        "Longest drawdown",
        "bars",
        "most bars in a row below an earlier peak",
    ),
    _measure(
        "max_drawdown_hours",
        "Longest drawdown",
        "hours",
        "time from that peak to the last bar below it",
    ),
    _measure("exposure", "Exposure", "fraction", "share of bars with an open position"),
    _measure("n_trades", "Trades", "count", "positions from entry to exit"),
    _measure(
        "win_rate", "Win rate", "fraction", "share of trades with a profit above 0"
    ),
    _measure(
        "profit_factor",
        "Profit factor",
        "ratio",
        "sum of profits / sum of losses; none where no trade lost",
    ),
    _measure("expectancy", "Expectancy", "money", "mean profit of a trade"),
    _measure(
        "average_trade_return",
        "Average trade return",
        "fraction",
        "mean profit of a trade / its value at entry",
    ),
    _measure("average_win", "Average win", "money", "mean of the profits above 0"),
    _measure("average_loss", "Average loss", "money", "mean of the profits below 0"),
    _measure("largest_win", "Largest win", "money", "highest profit of a trade"),
    _measure("largest_loss", "Largest loss", "money", "lowest profit of a trade"),
    _measure(
        "average_holding_bars",
        "Average holding time",
        "bars",
        "bars in which the position was open",
    ),
    _measure(
        "average_holding_hours",
        "Average holding time",
        "hours",
        "calendar time from entry to exit",
    ),
    _measure(
        "commission_paid",
        "Commission paid",
        "money",
        "of all fills; spread and slippage are in the prices",
    ),
)


def measure(
    simulation: Simulation, bars: Bars, initial_cash: float
) -> dict[str, float | None]:
    """Return every measure of a backtest, in the order of ``MEASURES``.

    Parameters
    ----------
    simulation : Simulation
        Trades and equity on ``bars``.
    bars : Bars
        The bars that were traded, at least one.
    initial_cash : float
        Money before the first bar.

    Returns
    -------
    dict of str to float or None
        Finite numbers; None where a measure is not defined, such as a win rate
        without trades or a Sharpe ratio without volatility.
    """
    values = {
        **equity_measures(simulation.equity, bars, initial_cash),
        **_measures_of_trades(simulation.trades, bars),
    }
    return {known.name: number_or_none(values[known.name]) for known in MEASURES}


def equity_measures(
    equity: FloatArray, bars: Bars, initial_cash: float
) -> dict[str, float]:
    """Return the measures of one equity curve, NaN where not defined."""
    wealth = equity / initial_cash
    found = return_measures(returns_of(equity, initial_cash), wealth, years_of(bars))
    n_bars, hours = longest_drawdown(drawdown_of(wealth), bars)
    return {
        **{name: float(value) for name, value in found.items()},
        "max_drawdown_bars": float(n_bars),
        "max_drawdown_hours": hours,
    }


def number_or_none(value: float) -> float | None:
    """Return ``value``, or None where it is not a finite number."""
    return float(value) if np.isfinite(value) else None


def _measures_of_trades(trades: Trades, bars: Bars) -> dict[str, float]:
    found = trade_measures(
        trades.profit,
        trade_returns(trades),
        holding_bars(trades).astype(np.float64),
        holding_hours(trades, bars),
    )
    commissions = trades.entry_commission + trades.exit_commission
    return {
        **{name: float(value) for name, value in found.items()},
        "largest_win": float(largest_win(trades.profit)),
        "largest_loss": float(largest_loss(trades.profit)),
        "exposure": exposure(trades, len(bars)),
        "n_trades": float(len(trades)),
        "commission_paid": float(commissions.sum()),
    }
