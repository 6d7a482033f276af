"""The fast simulator: one step a trade, whole columns between.

It gives what ``reference.simulate_reference`` gives. The order of work is its own:
runs of targets, then the exit of every run, then money, then the equity curve.
"""

from dataclasses import replace

import numpy as np

from ktrdr.backtesting.accounts import Account, PricedTrades, settle
from ktrdr.backtesting.costs import fill_price, market_rate
from ktrdr.backtesting.exits import find_exits
from ktrdr.backtesting.orders import Runs, checked_targets, find_runs
from ktrdr.backtesting.simulation import ExitReason, Simulation, Trades
from ktrdr.backtesting.sizing import entry_fractions
from ktrdr.backtesting.stretches import Stretches, interleaved
from ktrdr.backtesting.touches import FirstTouches
from ktrdr.data import Bars
from ktrdr.strategy import BacktestSpec
from ktrdr.typing import FloatArray, TargetArray

_BLOCK = 32_768


def simulate(
    bars: Bars,
    targets: TargetArray,
    spec: BacktestSpec,
    *,
    optimistic: bool = False,
) -> Simulation:
    """Trade the given targets.

    Parameters
    ----------
    bars : Bars
    targets : ndarray of int8, shape (n_bars,)
        Position wanted as decided at each bar's close: -1 short, 0 flat, 1 long.
        Only changes are acted on, at the next bar's open.
    spec : BacktestSpec
        Money, costs, position size and stops.
    optimistic : bool
        In a bar that touches both stop and target the target fills, not the stop.

    Raises
    ------
    InputError
        If the targets do not fit the bars, or the spec contradicts itself.
    BacktestError
        If equity leaves the range of numbers.

    Notes
    -----
    Equity on ``bars[:k]`` equals that on all bars up to bar k - 2; on its last bar
    an open position is closed.
    """
    return Trader(bars, targets).simulate(spec, optimistic=optimistic)


class Trader:
    """Trades the same targets on the same bars, under one spec or many.

    Parameters
    ----------
    bars, targets
        As for ``simulate``.
    is_repeated : bool
        Prepare for several simulations, each of which then takes less time.
    """

    def __init__(
        self, bars: Bars, targets: TargetArray, *, is_repeated: bool = False
    ) -> None:
        self._bars = bars
        self._runs = find_runs(checked_targets(targets, len(bars)))
        self._touches = FirstTouches(bars, self._runs) if is_repeated else None

    def simulate(self, spec: BacktestSpec, *, optimistic: bool = False) -> Simulation:
        """Return what ``simulate`` returns for ``spec``."""
        bars = self._bars
        trades = price_trades(
            bars, self._runs, spec, optimistic=optimistic, touches=self._touches
        )
        account = settle(trades, spec)
        equity, lowest = draw_equity(bars, account, spec)
        is_ruined = lowest <= 0
        if is_ruined:
            trades = _cut_at_ruin(bars, account.trades, equity, spec)
            account = settle(trades, spec)
            equity, _ = draw_equity(bars, account, spec)
        return Simulation(trades=_finished(account), equity=equity, is_ruined=is_ruined)


def price_trades(
    bars: Bars,
    runs: Runs,
    spec: BacktestSpec,
    *,
    optimistic: bool,
    touches: FirstTouches | None = None,
) -> PricedTrades:
    """Return the trade of each run, with entry and exit prices, still without size."""
    fraction = entry_fractions(bars, runs.entry_bar, spec)
    entry_price = fill_price(
        bars.open[runs.entry_bar], runs.direction, market_rate(spec.costs)
    )
    exits = find_exits(
        bars, runs, entry_price, spec, optimistic=optimistic, touches=touches
    )
    return PricedTrades(
        entry_bar=runs.entry_bar,
        exit_bar=exits.bar,
        direction=runs.direction,
        fraction=fraction,
        entry_price=entry_price,
        exit_price=exits.price,
        exit_reason=exits.reason,
        is_ambiguous=exits.is_ambiguous,
    )


def draw_equity(
    bars: Bars, account: Account, spec: BacktestSpec
) -> tuple[FloatArray, float]:
    """Return equity at each close, cash plus units times the close, and its lowest."""
    trades, n_bars = account.trades, len(bars)
    flat_equity = np.append(spec.initial_cash, account.after)
    # Up to the exit's bar, also at the end of the data: the last element of the
    # equity is what the closing trade leaves.
    stretches = Stretches.of(trades.entry_bar, trades.exit_bar, n_bars)
    units = interleaved(account.size, 0.0)
    cash = interleaved(account.cash, flat_equity)
    equity, lowest = np.empty(n_bars), spec.initial_cash
    # In blocks, so that columns in between stay in the processor's cache.
    for rows, values, counts in stretches.blocks(_BLOCK):
        block = equity[rows]
        np.multiply(np.repeat(units[values], counts), bars.close[rows], out=block)
        block += np.repeat(cash[values], counts)
        lowest = min(lowest, float(block.min()))
    return equity, lowest


def _cut_at_ruin(
    bars: Bars, trades: PricedTrades, equity: FloatArray, spec: BacktestSpec
) -> PricedTrades:
    """End trading with the position held at the first close without equity."""
    ruin_bar = int(np.flatnonzero(equity <= 0)[0])
    trades = trades[trades.entry_bar <= ruin_bar]
    leaving_bar = ruin_bar + 1
    is_held = len(trades) > 0 and trades.exit_bar[-1] > ruin_bar
    if not is_held or (
        trades.exit_bar[-1] == leaving_bar
        and trades.exit_reason[-1] == ExitReason.SIGNAL
    ):
        return trades
    cut = replace(
        trades,
        exit_bar=trades.exit_bar.copy(),
        exit_price=trades.exit_price.copy(),
        exit_reason=trades.exit_reason.copy(),
        is_ambiguous=trades.is_ambiguous.copy(),
    )
    cut.exit_bar[-1] = leaving_bar
    cut.exit_price[-1] = fill_price(
        float(bars.open[leaving_bar]),
        -float(trades.direction[-1]),
        market_rate(spec.costs),
    )
    cut.exit_reason[-1] = ExitReason.RUIN
    cut.is_ambiguous[-1] = False
    return cut


def _finished(account: Account) -> Trades:
    trades = account.trades
    return Trades(
        entry_bar=trades.entry_bar,
        exit_bar=trades.exit_bar,
        size=account.size,
        entry_price=trades.entry_price,
        exit_price=trades.exit_price,
        entry_commission=account.entry_commission,
        exit_commission=account.exit_commission,
        profit=account.profit,
        exit_reason=trades.exit_reason,
        is_ambiguous=trades.is_ambiguous,
    )
