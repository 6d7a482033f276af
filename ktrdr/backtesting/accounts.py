"""The money of trades whose bars and prices are known: sizes, profits, equity."""

import math
from dataclasses import dataclass, fields

import numpy as np

from ktrdr.backtesting.costs import commission
from ktrdr.backtesting.sizing import round_to_lots
from ktrdr.errors import BacktestError
from ktrdr.strategy import BacktestSpec, CostsSpec, UnitsSizing
from ktrdr.typing import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class PricedTrades:
    """Trades before their size is known; arrays of shape (n_trades,).

    Attributes
    ----------
    entry_bar, exit_bar, entry_price, exit_price, exit_reason, is_ambiguous
        As in ``Trades``.
    direction : ndarray of float64
        1 for long, -1 for short.
    fraction : ndarray of float64
        Position value over the equity before the entry; NaN if sized in units.
    """

    entry_bar: IntArray
    exit_bar: IntArray
    direction: FloatArray
    fraction: FloatArray
    entry_price: FloatArray
    exit_price: FloatArray
    exit_reason: IntArray
    is_ambiguous: BoolArray

    def __len__(self) -> int:
        return len(self.entry_bar)

    def __getitem__(self, rows: slice | BoolArray) -> "PricedTrades":
        return PricedTrades(
            **{field.name: getattr(self, field.name)[rows] for field in fields(self)}
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Account:
    """The course of an account; arrays of shape (n_trades,).

    Attributes
    ----------
    trades : PricedTrades
        Those that were made: size above 0, and equity above 0 before the entry.
    size : ndarray of float64
        Units, negative when short.
    entry_commission, exit_commission : ndarray of float64
        In money.
    before, after : ndarray of float64
        Equity before the entry and after the exit.
    """

    trades: PricedTrades
    size: FloatArray
    entry_commission: FloatArray
    exit_commission: FloatArray
    before: FloatArray
    after: FloatArray

    @property
    def profit(self) -> FloatArray:
        """Money gained, after both fills' costs."""
        trades = self.trades
        gain = self.size * (trades.exit_price - trades.entry_price)
        return gain - self.entry_commission - self.exit_commission

    @property
    def cash(self) -> FloatArray:
        """Cash while the position is held."""
        paid = self.size * self.trades.entry_price
        return self.before - paid - self.entry_commission


# Overflow shows as equity that is not finite, and is reported as such.
@np.errstate(over="ignore", invalid="ignore")
def settle(trades: PricedTrades, spec: BacktestSpec) -> Account:
    """Size trades one after the other, each from the equity the last one left.

    Trades of size 0 are left out, as are all that follow once equity is 0 or less.

    Raises
    ------
    BacktestError
        If equity leaves the range of numbers.
    """
    if isinstance(spec.sizing, UnitsSizing):
        units = round_to_lots(spec.sizing.units, spec.lot_step)
        return _settle_units(trades if units > 0 else trades[:0], units, spec)
    trades = trades[trades.fraction > 0]
    if spec.lot_step == 0 and spec.costs.commission_minimum == 0:
        return _settle_proportional(trades, spec)
    return _settle_one_by_one(trades, spec)


def _account(
    trades: PricedTrades, size: FloatArray, after: FloatArray, spec: BacktestSpec
) -> Account:
    """Put an account together, ending with the trade that ruined it."""
    ruined = np.flatnonzero(after <= 0)
    if ruined.size:
        n_made = int(ruined[0]) + 1
        trades, size, after = trades[:n_made], size[:n_made], after[:n_made]
    if not np.isfinite(after).all():
        raise BacktestError(
            "equity grew beyond the largest number: lower the position size "
            "(backtest.sizing) or check the bars for impossible prices"
        )
    return Account(
        trades=trades,
        size=size,
        entry_commission=commission(spec.costs, size, trades.entry_price),
        exit_commission=commission(spec.costs, size, trades.exit_price),
        before=np.append(spec.initial_cash, after)[:-1],
        after=after,
    )


def _settle_units(trades: PricedTrades, units: float, spec: BacktestSpec) -> Account:
    """Sizes do not depend on equity: profits add up."""
    size = trades.direction * units
    costs = commission(spec.costs, size, trades.entry_price)
    costs = costs + commission(spec.costs, size, trades.exit_price)
    profit = size * (trades.exit_price - trades.entry_price) - costs
    after = spec.initial_cash + np.cumsum(profit, dtype=np.float64)
    return _account(trades, size, after, spec)


def _settle_proportional(trades: PricedTrades, spec: BacktestSpec) -> Account:
    """Sizes and costs are proportional to equity: growth factors multiply."""
    costs = spec.costs
    price_sum = trades.entry_price + trades.exit_price
    unit_costs = costs.commission_rate * price_sum + 2 * costs.commission_per_unit
    gain = trades.direction * (trades.exit_price - trades.entry_price) - unit_costs
    leverage = trades.fraction / trades.entry_price
    growth = np.cumprod(1.0 + leverage * gain, dtype=np.float64)
    after = spec.initial_cash * growth
    before = np.append(spec.initial_cash, after)[:-1]
    return _account(trades, trades.direction * leverage * before, after, spec)


def _settle_one_by_one(trades: PricedTrades, spec: BacktestSpec) -> Account:
    """Lots or a minimum commission: each size has to be known for the next one."""
    equity = spec.initial_cash
    size, after = np.zeros(len(trades)), np.empty(len(trades))
    columns = (
        trades.direction,
        trades.fraction,
        trades.entry_price,
        trades.exit_price,
    )
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for k, (direction, fraction, entry, exit_) in enumerate(rows):
        units = round_to_lots(equity * fraction / entry, spec.lot_step)
        if units > 0:
            size[k] = direction * units
            equity += direction * units * (exit_ - entry)
            equity -= _charge(spec.costs, units, entry)
            equity -= _charge(spec.costs, units, exit_)
        after[k] = equity
        if not 0 < equity < math.inf:
            break
    is_made = size != 0
    return _account(trades[is_made], size[is_made], after[is_made], spec)


def _charge(costs: CostsSpec, units: float, price: float) -> float:
    """``commission`` of one fill, in plain floats, which are ten times as fast."""
    charge = costs.commission_rate * (units * price)
    return max(costs.commission_minimum, charge + costs.commission_per_unit * units)
