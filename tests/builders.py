"""Small bars for tests."""

from collections.abc import Sequence

import numpy as np

from ktrdr.data import Bars, Timeframe


def bars_from_rows(
    rows: Sequence[tuple[float, float, float, float]],
    *,
    symbol: str = "TEST",
    timeframe: Timeframe = Timeframe.H1,
    start: str = "2020-01-06T00:00",
) -> Bars:
    """Bars from (open, high, low, close) rows, without gaps."""
    prices = np.array(rows, dtype=np.float64).reshape(-1, 4)
    time = np.datetime64(start, "ms") + np.arange(len(prices)) * timeframe.duration
    return Bars(
        symbol=symbol,
        timeframe=timeframe,
        time=time,
        open=prices[:, 0],
        high=prices[:, 1],
        low=prices[:, 2],
        close=prices[:, 3],
        volume=np.full(len(prices), 100.0),
    )


def random_bars(
    n_bars: int,
    *,
    seed: int = 0,
    symbol: str = "TEST",
    timeframe: Timeframe = Timeframe.H1,
    volatility: float = 0.005,
    gap_volatility: float = 0.002,
    start: str = "2020-01-06T00:00",
) -> Bars:
    """A random walk with gaps between a close and the next open."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(0, volatility, n_bars)
    gaps = rng.normal(0, gap_volatility, n_bars)
    close = 100 * np.exp(np.cumsum(moves + gaps))
    open_ = close * np.exp(-moves)
    spans = np.abs(rng.normal(0, volatility, (2, n_bars)))
    time = np.datetime64(start, "ms") + np.arange(n_bars) * timeframe.duration
    return Bars(
        symbol=symbol,
        timeframe=timeframe,
        time=time,
        open=open_,
        high=np.maximum(open_, close) * np.exp(spans[0]),
        low=np.minimum(open_, close) * np.exp(-spans[1]),
        close=close,
        volume=rng.uniform(1, 1000, n_bars),
    )
