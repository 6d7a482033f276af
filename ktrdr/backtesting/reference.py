"""The reference simulator: bar by bar, slow and obvious.

This file is the definition of the trading rules; ``kernel.simulate`` is the fast
equal of it. One account holds cash and at most one position, and each bar goes

1. open: a position whose target changed at the last close is left, and the new
   target's position is taken, both at this bar's opening price;
2. within: stop loss, trailing stop and target of an open position, from the entry
   bar on; if the bar touched both sides, the stop fills (or the target, if
   ``optimistic``), unless the opening price lay beyond one of them already;
3. close: equity is taken; at 0 or less the account is ruined, and what it holds is
   sold at the next open. On the last bar an open position is closed.
"""

import math
from dataclasses import dataclass

import numpy as np

from ktrdr.backtesting.costs import commission, fill_price, limit_rate, market_rate
from ktrdr.backtesting.simulation import ExitReason, Simulation, Trades
from ktrdr.backtesting.sizing import risk_fraction, round_to_lots
from ktrdr.data import Bars
from ktrdr.strategy import (
    BacktestSpec,
    FractionSizing,
    RiskSizing,
    StopsSpec,
    UnitsSizing,
    VolatilitySizing,
)
from ktrdr.typing import TargetArray

_YEAR_S = 365.25 * 24 * 3600


@dataclass(kw_only=True)
class _Position:
    """What is held, and the best price that its trailing stop follows."""

    entry_bar: int
    direction: float
    units: float
    entry_price: float
    entry_commission: float
    best_price: float


@dataclass(frozen=True, kw_only=True)
class _Exit:
    """How a position is left within a bar: quoted price and reason."""

    quoted: float
    reason: ExitReason
    is_ambiguous: bool = False


class _Account:
    """Cash, at most one position, and the record of what was done."""

    def __init__(self, bars: Bars, spec: BacktestSpec) -> None:
        self.bars = bars
        self.spec = spec
        self.cash = spec.initial_cash
        self.position: _Position | None = None
        self.is_ruined = False
        self.rows: list[tuple[float, ...]] = []

    def equity(self, price: float) -> float:
        if self.position is None:
            return self.cash
        return self.cash + self.position.direction * self.position.units * price

    def enter(self, bar: int, direction: float) -> None:
        """Buy or sell short at the bar's opening price."""
        rate = market_rate(self.spec.costs)
        price = fill_price(float(self.bars.open[bar]), direction, rate)
        units = self._units(bar, price)
        if units <= 0:
            return
        fee = float(commission(self.spec.costs, units, price))
        self.cash -= direction * units * price
        self.cash -= fee
        self.position = _Position(
            entry_bar=bar,
            direction=direction,
            units=units,
            entry_price=price,
            entry_commission=fee,
            best_price=price,
        )

    def leave(self, bar: int, how: _Exit) -> None:
        """Close the position."""
        held = self.position
        if held is None:
            return
        is_limit = how.reason is ExitReason.TAKE_PROFIT
        costs = self.spec.costs
        rate = limit_rate(costs) if is_limit else market_rate(costs)
        price = fill_price(how.quoted, -held.direction, rate)
        fee = float(commission(costs, held.units, price))
        size = held.direction * held.units
        self.cash += size * price
        self.cash -= fee
        profit = size * (price - held.entry_price) - held.entry_commission - fee
        self.rows.append(
            (
                held.entry_bar,
                bar,
                size,
                held.entry_price,
                price,
                held.entry_commission,
                fee,
                profit,
                how.reason,
                how.is_ambiguous,
            )
        )
        self.position = None
        self.check_ruin(price)

    def check_ruin(self, price: float) -> None:
        if self.equity(price) <= 0:
            self.is_ruined = True

    def _units(self, bar: int, price: float) -> float:
        """Units to take; the account holds nothing, so equity is cash."""
        sizing = self.spec.sizing
        match sizing:
            case UnitsSizing():
                units = sizing.units
            case FractionSizing():
                units = self.cash * sizing.fraction / price
            case RiskSizing():
                fraction = risk_fraction(sizing, self.spec.stops.stop_loss)
                units = self.cash * fraction / price
            case VolatilitySizing():
                fraction = _volatility_fraction(self.bars, bar - 1, sizing)
                units = self.cash * fraction / price
        return round_to_lots(units, self.spec.lot_step)


def _volatility_fraction(bars: Bars, decision: int, sizing: VolatilitySizing) -> float:
    """Position value over equity; 0 while too few returns are known."""
    if decision < sizing.lookback:
        return 0.0
    first = decision - sizing.lookback + 1
    close = bars.close.tolist()
    returns = [close[i] / close[i - 1] - 1 for i in range(first, decision + 1)]
    mean = math.fsum(returns) / len(returns)
    squares = math.fsum((value - mean) ** 2 for value in returns)
    deviation = math.sqrt(squares / (len(returns) - 1))
    elapsed = bars.time[decision] + bars.timeframe.duration - bars.time[0]
    years = float(elapsed / np.timedelta64(1, "s")) / _YEAR_S
    volatility = deviation * math.sqrt((decision + 1) / years)
    if volatility == 0:
        return sizing.max_fraction
    return min(sizing.target / volatility, sizing.max_fraction)


def _long_exit(
    position: _Position,
    stops: StopsSpec,
    prices: tuple[float, float, float],
    *,
    optimistic: bool,
) -> _Exit | None:
    open_, high, low = prices
    stop, reason = 0.0, ExitReason.STOP_LOSS
    if stops.stop_loss is not None:
        stop = position.entry_price * (1 - stops.stop_loss)
    if stops.trailing_stop is not None:
        trail = position.best_price * (1 - stops.trailing_stop)
        if trail > stop:
            stop, reason = trail, ExitReason.TRAILING_STOP
    target = math.inf
    if stops.take_profit is not None:
        target = position.entry_price * (1 + stops.take_profit)

    if open_ <= stop:
        return _Exit(quoted=open_, reason=reason)
    if open_ >= target:
        return _Exit(quoted=open_, reason=ExitReason.TAKE_PROFIT)
    is_stop, is_target = low <= stop, high >= target
    is_both = is_stop and is_target
    if is_target and (optimistic or not is_stop):
        return _Exit(quoted=target, reason=ExitReason.TAKE_PROFIT, is_ambiguous=is_both)
    if is_stop:
        return _Exit(quoted=stop, reason=reason, is_ambiguous=is_both)
    return None


def _short_exit(
    position: _Position,
    stops: StopsSpec,
    prices: tuple[float, float, float],
    *,
    optimistic: bool,
) -> _Exit | None:
    open_, high, low = prices
    stop, reason = math.inf, ExitReason.STOP_LOSS
    if stops.stop_loss is not None:
        stop = position.entry_price * (1 + stops.stop_loss)
    if stops.trailing_stop is not None:
        trail = position.best_price * (1 + stops.trailing_stop)
        if trail < stop:
            stop, reason = trail, ExitReason.TRAILING_STOP
    target = 0.0
    if stops.take_profit is not None:
        target = position.entry_price * (1 - stops.take_profit)

    if open_ >= stop:
        return _Exit(quoted=open_, reason=reason)
    if open_ <= target:
        return _Exit(quoted=open_, reason=ExitReason.TAKE_PROFIT)
    is_stop, is_target = high >= stop, low <= target
    is_both = is_stop and is_target
    if is_target and (optimistic or not is_stop):
        return _Exit(quoted=target, reason=ExitReason.TAKE_PROFIT, is_ambiguous=is_both)
    if is_stop:
        return _Exit(quoted=stop, reason=reason, is_ambiguous=is_both)
    return None


def simulate_reference(
    bars: Bars,
    targets: TargetArray,
    spec: BacktestSpec,
    *,
    optimistic: bool = False,
) -> Simulation:
    """Trade the given targets; parameters and result as for ``simulate``."""
    account = _Account(bars, spec)
    wanted = [0, *(int(target) for target in targets)]
    equity = []
    for bar in range(len(bars)):
        _at_open(account, bar, wanted)
        _within(account, bar, optimistic=optimistic)
        close = float(bars.close[bar])
        if bar == len(bars) - 1:
            reason = ExitReason.END_OF_DATA
            account.leave(bar, _Exit(quoted=close, reason=reason))
        equity.append(account.equity(close))
        account.check_ruin(close)
    return Simulation(
        trades=_table(account.rows),
        equity=np.array(equity, np.float64),
        is_ruined=account.is_ruined,
    )


def _at_open(account: _Account, bar: int, wanted: list[int]) -> None:
    """Do what was decided at the last close; ``wanted[bar]`` is that target."""
    is_changed = bar > 0 and wanted[bar] != wanted[bar - 1]
    quoted = float(account.bars.open[bar])
    if is_changed:
        account.leave(bar, _Exit(quoted=quoted, reason=ExitReason.SIGNAL))
    elif account.is_ruined:
        account.leave(bar, _Exit(quoted=quoted, reason=ExitReason.RUIN))
    if is_changed and wanted[bar] != 0 and not account.is_ruined:
        account.enter(bar, float(wanted[bar]))


def _within(account: _Account, bar: int, *, optimistic: bool) -> None:
    """Fill stops and targets; what is still held then remembers its best price."""
    held, bars = account.position, account.bars
    if held is None:
        return
    high, low = float(bars.high[bar]), float(bars.low[bar])
    find = _long_exit if held.direction > 0 else _short_exit
    prices = float(bars.open[bar]), high, low
    how = find(held, account.spec.stops, prices, optimistic=optimistic)
    if how is not None:
        account.leave(bar, how)
    elif held.direction > 0:
        held.best_price = max(held.best_price, high)
    else:
        held.best_price = min(held.best_price, low)


def _table(rows: list[tuple[float, ...]]) -> Trades:
    columns = np.array(rows, np.float64).reshape(-1, len(Trades.columns())).T
    by_name = dict(zip(Trades.columns(), columns, strict=True))
    return Trades(
        entry_bar=by_name["entry_bar"].astype(np.int64),
        exit_bar=by_name["exit_bar"].astype(np.int64),
        size=by_name["size"],
        entry_price=by_name["entry_price"],
        exit_price=by_name["exit_price"],
        entry_commission=by_name["entry_commission"],
        exit_commission=by_name["exit_commission"],
        profit=by_name["profit"],
        exit_reason=by_name["exit_reason"].astype(np.int64),
        is_ambiguous=by_name["is_ambiguous"].astype(np.bool_),
    )
