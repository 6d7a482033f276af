"""The work done by backtesting.py, which calls a method for every bar."""

import warnings
from collections.abc import Callable

import backtesting
import numpy as np
import pandas as pd
import talib

from benchmarks.work import (
    FEE,
    STOP_LOSS,
    TAKE_PROFIT,
    WINDOWS,
    Outcome,
    Prices,
)

NAME = f"backtesting.py {backtesting.__version__}"
NOTE = (
    "fewer bars, scaled up; whole units only; its Sharpe ratio is that of days; "
    "computes about twenty more measures"
)

# Units are whole numbers: much money makes the rounding small.
_CASH = 1e12


def prepare(work: str, prices: Prices) -> Callable[[], Outcome]:
    """Return the work as a function; the frame is made before."""
    frame = pd.DataFrame(
        {
            "Open": prices.open,
            "High": prices.high,
            "Low": prices.low,
            "Close": prices.close,
        },
        index=pd.DatetimeIndex(prices.time),
    )
    strategy = {"W1": Cross, "W2": CrossWithStops}[work]
    test = backtesting.Backtest(
        frame, strategy, cash=_CASH, commission=FEE, finalize_trades=True
    )
    return lambda: _outcome(test)


class Cross(backtesting.Strategy):  # type: ignore[misc]  # the package has no types
    """Long while the fast average is above the slow one."""

    def init(self) -> None:
        """Compute the averages and where they cross."""
        close = np.asarray(self.data.Close)
        fast, slow = (talib.SMA(close, window) for window in WINDOWS)
        self.is_above = self.I(lambda: (fast > slow).astype(float))

    def next(self) -> None:
        """Trade a change of sides."""
        if self.is_above[-1] and not self.is_above[-2]:
            self.enter()
        elif not self.is_above[-1] and self.is_above[-2]:
            self.position.close()

    def enter(self) -> None:
        """Buy as much as cash pays for."""
        self.buy(size=0.9999)


class CrossWithStops(Cross):
    """The same with stop and target, measured from the last close."""

    def enter(self) -> None:
        """Buy with both prices attached."""
        close = self.data.Close[-1]
        self.buy(size=0.9999, sl=close * (1 - STOP_LOSS), tp=close * (1 + TAKE_PROFIT))


def _outcome(test: backtesting.Backtest) -> Outcome:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = test.run()
    return Outcome(
        n_trades=len(result["_trades"]),
        equity=float(result["_equity_curve"]["Equity"].iloc[-2]) / _CASH,
        sharpe=float(result["Sharpe Ratio"]),
        max_drawdown=float(result["Max. Drawdown [%]"]) / 100,
    )
