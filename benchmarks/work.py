"""The pieces of work that are measured, and the data that they are done on."""

from dataclasses import dataclass

import numpy as np

from ktrdr.typing import FloatArray, TargetArray, TimeArray

INITIAL_CASH = 100_000.0
FEE = 0.001
STOP_LOSS, TAKE_PROFIT = 0.02, 0.04
WINDOWS = 20, 50
PAIRS = tuple((fast, slow) for fast in range(5, 30) for slow in range(35, 75))
# Given trades are of fixed size and pay little, so that the account survives them.
GIVEN_UNITS = 10.0
GIVEN_FEE = 0.0001
GIVEN_RATE = 0.020458
BAR_MINUTES = 5


@dataclass(frozen=True, kw_only=True)
class Work:
    """One piece of work.

    Attributes
    ----------
    name, title : str
        For people.
    n_bars : int
        Bars of the full run.
    aim : float
        How many times faster than vectorbt ktrdr wants to be.
    rounds : int
        Measured rounds of the full run.
    n_runs : int
        How many times the bars are traded on.
    """

    name: str
    title: str
    n_bars: int
    aim: float
    rounds: int
    n_runs: int = 1


WORKS = (
    Work(
        name="W1",
        title="SMA 20/50 cross, next open, 0.1 % fee",
        n_bars=1_000_000,
        aim=20,
        rounds=15,
    ),
    Work(
        name="W2",
        title="the same with stop 2 % and target 4 %",
        n_bars=1_000_000,
        aim=10,
        rounds=15,
    ),
    Work(
        name="W3",
        title=f"{len(PAIRS):,} pairs of SMA",
        n_bars=100_000,
        aim=20,
        rounds=1,
        n_runs=len(PAIRS),
    ),
    Work(
        name="W4",
        title="given long and short trades",
        n_bars=1_000_000,
        aim=15,
        rounds=15,
    ),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Prices:
    """Generated market data, columns of shape (n_bars,)."""

    time: TimeArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray

    def __len__(self) -> int:
        return len(self.time)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a contestant found, to see that all did the same work.

    Attributes
    ----------
    n_trades : int
        All trades, over all pairs.
    equity : float
        Money at the last close but one: some close the last position, some do not.
    sharpe, max_drawdown : float
        As the contestant defines them. Over many pairs, all three are means.
    """

    n_trades: int
    equity: float
    sharpe: float
    max_drawdown: float


def make_prices(n_bars: int) -> Prices:
    """Return a random walk of 5-minute bars with small gaps between them."""
    rng = np.random.default_rng(2026)
    moves = rng.normal(0, 0.002, n_bars)
    close = 100 * np.exp(np.cumsum(moves + rng.normal(0, 0.0002, n_bars)))
    open_ = close * np.exp(-moves)
    spans = np.abs(rng.normal(0, 0.001, (2, n_bars)))
    minutes = np.arange(n_bars) * np.timedelta64(BAR_MINUTES * 60_000, "ms")
    return Prices(
        time=np.datetime64("2000-01-01", "ms") + minutes,
        open=open_,
        high=np.maximum(open_, close) * np.exp(spans[0]),
        low=np.minimum(open_, close) * np.exp(-spans[1]),
        close=close,
    )


def given_targets(n_bars: int) -> TargetArray:
    """Return targets of long and short trades that never touch each other."""
    rng = np.random.default_rng(2027)
    n_trades = round(GIVEN_RATE * n_bars)
    cuts = np.sort(rng.choice(n_bars - 3, 2 * n_trades, replace=False))
    sides = rng.choice(np.array([-1, 1], np.int8), n_trades)
    counts = np.diff(np.concatenate([[0], cuts, [n_bars]]))
    values = np.zeros(2 * n_trades + 1, np.int8)
    values[1::2] = sides
    return np.repeat(values, counts)
