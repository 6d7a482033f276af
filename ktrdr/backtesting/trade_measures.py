"""Measures of trades, on one list of trades or on many at once.

The functions of profits work along the last axis; NaN stands for "not defined". A
trade that gained nothing and lost nothing is neither a win nor a loss.
"""

import numpy as np

from ktrdr.backtesting.return_measures import hours_between, quotient
from ktrdr.backtesting.simulation import ExitReason, Trades
from ktrdr.data import Bars
from ktrdr.typing import BoolArray, FloatArray, IntArray


def win_rate(profit: FloatArray) -> FloatArray:
    """Return the share of trades with a profit above 0; NaN without trades."""
    return _mean(profit > 0)


def profit_factor(profit: FloatArray) -> FloatArray:
    """Return ``sum(wins) / -sum(losses)``; NaN where no trade lost."""
    wins = np.sum(np.maximum(profit, 0.0), axis=-1)
    losses = -np.sum(np.minimum(profit, 0.0), axis=-1)
    return quotient(wins, losses, is_defined=losses > 0)


def expectancy(profit: FloatArray) -> FloatArray:
    """Return the mean profit of a trade, in money; NaN without trades."""
    return _mean(profit)


def average_win(profit: FloatArray) -> FloatArray:
    """Return the mean profit of the trades that gained, in money; NaN if none did."""
    return _mean_where(profit, profit > 0)


def average_loss(profit: FloatArray) -> FloatArray:
    """Return the mean profit of the trades that lost, below 0; NaN if none did."""
    return _mean_where(profit, profit < 0)


def largest_win(profit: FloatArray) -> FloatArray:
    """Return the highest profit, in money; NaN if no trade gained."""
    highest = np.max(profit, axis=-1, initial=-np.inf)
    return np.where(highest > 0, highest, np.nan)


def largest_loss(profit: FloatArray) -> FloatArray:
    """Return the lowest profit, below 0; NaN if no trade lost."""
    lowest = np.min(profit, axis=-1, initial=np.inf)
    return np.where(lowest < 0, lowest, np.nan)


def trade_returns(trades: Trades) -> FloatArray:
    """Return each trade's profit as a fraction of its value at entry.

    ``profit / (abs(size) * entry_price)``, all costs included, shape (n_trades,).
    """
    return trades.profit / (np.abs(trades.size) * trades.entry_price)


def holding_bars(trades: Trades) -> IntArray:
    """Return in how many bars each position was open, shape (n_trades,).

    From the entry bar to the exit bar. An exit by signal or after a ruin happens at
    its bar's open, so that bar does not count; any other exit's bar does.
    """
    return trades.exit_bar - trades.entry_bar + ~_ended_at_open(trades)


def holding_hours(trades: Trades, bars: Bars) -> FloatArray:
    """Return how long each position was open, in hours, shape (n_trades,).

    From the entry bar's opening to the exit bar's opening for an exit by signal or
    after a ruin, to its close for any other: the moment inside the bar is not known.
    """
    opened = bars.time[trades.exit_bar]
    closed = opened + bars.timeframe.duration
    ended = np.where(_ended_at_open(trades), opened, closed)
    return hours_between(bars.time[trades.entry_bar], ended)


def exposure(trades: Trades, n_bars: int) -> float:
    """Return the share of bars in which a position was open at some moment.

    ``sum(holding_bars) / n_bars``: a bar belongs to one trade only, as one position
    is held at a time and none is entered in a bar whose stop was hit.
    """
    return float(holding_bars(trades).sum()) / n_bars


def trade_measures(
    profit: FloatArray, returns: FloatArray, bars_held: FloatArray, hours: FloatArray
) -> dict[str, FloatArray]:
    """Return the measures of trades whose interval a bootstrap can tell, by name.

    Parameters
    ----------
    profit, returns, bars_held, hours : ndarray of shape (..., n_trades)
        Of the same trades.

    Returns
    -------
    dict of str to ndarray of shape (...)
        NaN where a measure is not defined.
    """
    return {
        "win_rate": win_rate(profit),
        "profit_factor": profit_factor(profit),
        "expectancy": expectancy(profit),
        "average_trade_return": _mean(returns),
        "average_win": average_win(profit),
        "average_loss": average_loss(profit),
        "average_holding_bars": _mean(bars_held),
        "average_holding_hours": _mean(hours),
    }


def _ended_at_open(trades: Trades) -> BoolArray:
    reason = trades.exit_reason
    ended: BoolArray = (reason == ExitReason.SIGNAL) | (reason == ExitReason.RUIN)
    return ended


def _mean(values: FloatArray | BoolArray) -> FloatArray:
    if not values.shape[-1]:
        return np.full(values.shape[:-1], np.nan)
    return np.asarray(np.mean(values, axis=-1), np.float64)


def _mean_where(values: FloatArray, chosen: BoolArray) -> FloatArray:
    total = np.sum(values, axis=-1, where=chosen)
    count = np.sum(chosen, axis=-1)
    return quotient(total, count, is_defined=count > 0)
