"""The bars of a backtest's period, with those that position sizing looks back on."""

from dataclasses import dataclass, replace

import numpy as np

from ktrdr.backtesting.kernel import Trader
from ktrdr.backtesting.simulation import Simulation
from ktrdr.data import Bars
from ktrdr.strategy import BacktestSpec, VolatilitySizing
from ktrdr.typing import TargetArray

_YEAR = np.timedelta64(366, "D")


@dataclass(frozen=True, kw_only=True, eq=False)
class Market:
    """Where targets are traded.

    Attributes
    ----------
    bars : Bars
        The period: the only bars that can be traded, at least one.
    history : Bars
        The same bars after the ``n_before`` bars that lie before them, whose prices
        a position size may depend on.
    n_before : int
        At least 0.
    """

    bars: Bars
    history: Bars
    n_before: int

    @classmethod
    def of(cls, bars: Bars, rows: slice, spec: BacktestSpec) -> "Market":
        """Return the market of ``bars[rows]`` with as much history as ``spec`` needs.

        Only a volatility target looks back: over ``lookback`` returns, which take
        one bar more, and over a year, since the bars of a few days do not tell how
        many a year has.
        """
        first = rows.start
        if isinstance(spec.sizing, VolatilitySizing):
            year_before = np.searchsorted(bars.time, bars.time[first] - _YEAR)
            first = max(0, min(first - spec.sizing.lookback - 1, int(year_before)))
        return cls(
            bars=bars[rows],
            history=bars[first : rows.stop],
            n_before=rows.start - first,
        )

    def simulate(
        self, targets: TargetArray, spec: BacktestSpec, *, optimistic: bool = False
    ) -> Simulation:
        """Trade ``targets`` of the period's bars; flat and without orders before."""
        trader = self.trader(targets, is_repeated=False)
        return self.trade(trader, spec, optimistic=optimistic)

    def trader(self, targets: TargetArray, *, is_repeated: bool = True) -> Trader:
        """Return what trades ``targets`` under one spec, or many if repeated."""
        padded = np.concatenate([np.zeros(self.n_before, np.int8), targets])
        return Trader(
            self.history, padded if self.n_before else targets, is_repeated=is_repeated
        )

    def trade(
        self, trader: Trader, spec: BacktestSpec, *, optimistic: bool = False
    ) -> Simulation:
        """Simulate one of this market's traders, in the period's bars alone."""
        whole = trader.simulate(spec, optimistic=optimistic)
        return self._cut(whole) if self.n_before else whole

    def _cut(self, whole: Simulation) -> Simulation:
        trades = replace(
            whole.trades,
            entry_bar=whole.trades.entry_bar - self.n_before,
            exit_bar=whole.trades.exit_bar - self.n_before,
        )
        return replace(
            whole,
            trades=trades,
            equity=whole.equity[self.n_before :],
        )
