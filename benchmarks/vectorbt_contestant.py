"""The work done by vectorbt, through what it ships.

Orders are shifted to the next bar and priced at its open.
"""

import gc
from collections.abc import Callable

import numpy as np
import pandas as pd
import talib
import vectorbt as vbt

from benchmarks import sweep
from benchmarks.work import (
    BAR_MINUTES,
    FEE,
    GIVEN_FEE,
    GIVEN_UNITS,
    INITIAL_CASH,
    PAIRS,
    STOP_LOSS,
    TAKE_PROFIT,
    WINDOWS,
    Outcome,
    Prices,
    given_targets,
)
from ktrdr.typing import BoolArray, FloatArray, TargetArray

NAME = f"vectorbt {vbt.__version__}"
NOTE = (
    "W2: vectorbt lets a stop override an exit already due at that bar's open; "
    "W3: averages by TA-Lib, and 50 batches of 20 pairs, which is faster and smaller "
    "than all pairs at once"
)

_BATCH = 20
_FREQUENCY = f"{BAR_MINUTES}min"


class Frames:
    """Prices as vectorbt wants them."""

    def __init__(self, prices: Prices) -> None:
        index = pd.DatetimeIndex(prices.time)
        self.open = pd.Series(prices.open, index=index)
        self.high = pd.Series(prices.high, index=index)
        self.low = pd.Series(prices.low, index=index)
        self.close = pd.Series(prices.close, index=index)


def prepare(work: str, prices: Prices) -> Callable[[], Outcome]:
    """Return the work as a function; frames are made before."""
    if work == sweep.NAME:
        return _trials(Frames(_hourly(prices)))
    frames = Frames(prices)
    if work == "W3":
        return lambda: _sweep(frames, prices.close)
    if work == "W4":
        size = _order_sizes(given_targets(len(prices)))
        return lambda: _given(frames, size)
    stops = work == "W2"
    return lambda: cross(frames, _is_above(frames), stops=stops)


def _is_above(frames: Frames) -> BoolArray:
    """Tell when the fast average is above the slow one."""
    fast, slow = (vbt.MA.run(frames.close, window) for window in WINDOWS)
    return np.asarray(fast.ma_above(slow))


def _crossings(is_above: BoolArray) -> tuple[BoolArray, BoolArray]:
    """Entries and exits, each at the bar after the one that decided."""
    entries, exits = np.zeros_like(is_above), np.zeros_like(is_above)
    entries[1] = is_above[0]
    entries[2:] = is_above[1:-1] & ~is_above[:-2]
    exits[2:] = ~is_above[1:-1] & is_above[:-2]
    return entries, exits


def _outcome(portfolio: vbt.Portfolio) -> Outcome:
    equity = portfolio.value().to_numpy()
    return Outcome(
        n_trades=len(portfolio.trades.records),
        equity=float(np.mean(equity[-2])),
        sharpe=float(np.mean(portfolio.sharpe_ratio())),
        max_drawdown=float(np.mean(portfolio.max_drawdown())),
    )


def cross(frames: Frames, is_above: BoolArray, *, stops: bool) -> Outcome:
    """Long while ``is_above``, else flat."""
    entries, exits = _crossings(is_above)
    limits = (
        {
            "open": frames.open,
            "high": frames.high,
            "low": frames.low,
            "sl_stop": STOP_LOSS,
            "tp_stop": TAKE_PROFIT,
            "stop_entry_price": "fillprice",
        }
        if stops
        else {}
    )
    portfolio = vbt.Portfolio.from_signals(
        frames.close,
        entries,
        exits,
        price=frames.open,
        fees=FEE,
        init_cash=INITIAL_CASH,
        freq=_FREQUENCY,
        **limits,
    )
    return _outcome(portfolio)


def _order_sizes(targets: TargetArray) -> FloatArray:
    """Units wanted at the bars of orders, NaN elsewhere."""
    sizes = np.full(len(targets), np.nan)
    changes = np.flatnonzero(np.diff(targets, prepend=0))
    changes = changes[changes < len(targets) - 1]
    sizes[changes + 1] = GIVEN_UNITS * targets[changes]
    return sizes


def _given(frames: Frames, size: FloatArray) -> Outcome:
    portfolio = vbt.Portfolio.from_orders(
        frames.close,
        size=size,
        size_type="targetamount",
        price=frames.open,
        fees=GIVEN_FEE,
        init_cash=INITIAL_CASH,
        freq=_FREQUENCY,
    )
    return _outcome(portfolio)


def _sweep(frames: Frames, close: FloatArray) -> Outcome:
    windows = sorted({window for pair in PAIRS for window in pair})
    averages = {window: talib.SMA(close, window) for window in windows}
    outcomes = []
    for first in range(0, len(PAIRS), _BATCH):
        pairs = PAIRS[first : first + _BATCH]
        is_above = np.stack(
            [averages[fast] > averages[slow] for fast, slow in pairs], axis=1
        )
        entries, exits = _crossings(is_above)
        portfolio = vbt.Portfolio.from_signals(
            frames.close,
            entries,
            exits,
            price=frames.open,
            fees=FEE,
            init_cash=INITIAL_CASH,
            freq=_FREQUENCY,
        )
        outcomes.append(_outcome(portfolio))
        # Portfolios hold cycles; without this they pile up to many gigabytes.
        del portfolio
        gc.collect()
    return Outcome(
        n_trades=sum(one.n_trades for one in outcomes),
        equity=float(np.mean([one.equity for one in outcomes])),
        sharpe=float(np.mean([one.sharpe for one in outcomes])),
        max_drawdown=float(np.mean([one.max_drawdown for one in outcomes])),
    )


def _hourly(prices: Prices) -> Prices:
    bars = sweep.walk_bars(prices)
    return Prices(
        time=bars.time, open=bars.open, high=bars.high, low=bars.low, close=bars.close
    )


def _trials(frames: Frames) -> Callable[[], Outcome]:
    """All points of the sweep, on signals that are given."""
    signals = [_crossings(one > 0) for one in sweep.targets_of_store().values()]
    pairs = [(stop, target) for stop in sweep.STOPS for target in sweep.TARGETS]

    def run() -> Outcome:
        found = [
            _batch(frames, entries, exits, pairs[first : first + _BATCH])
            for entries, exits in signals
            for first in range(0, len(pairs), _BATCH)
        ]
        plain = found[:: len(pairs) // _BATCH]
        return Outcome(
            n_trades=sum(one.n_trades for one in found),
            equity=float(np.mean([one.equity for one in plain])),
            sharpe=float(np.mean([one.sharpe for one in plain])),
            max_drawdown=float(np.mean([one.max_drawdown for one in plain])),
        )

    return run


def _batch(
    frames: Frames,
    entries: BoolArray,
    exits: BoolArray,
    pairs: list[tuple[float | None, float | None]],
) -> Outcome:
    """Trade one signal with several stops; the measures are those of the first."""
    stops, targets = (
        [np.nan if value is None else value for value in column]
        for column in zip(*pairs, strict=True)
    )
    portfolio = vbt.Portfolio.from_signals(
        frames.close,
        np.repeat(entries[:, None], len(pairs), axis=1),
        np.repeat(exits[:, None], len(pairs), axis=1),
        price=frames.open,
        open=frames.open,
        high=frames.high,
        low=frames.low,
        sl_stop=np.array([stops]),
        tp_stop=np.array([targets]),
        stop_entry_price="fillprice",
        fees=sweep.FEE,
        init_cash=INITIAL_CASH,
        freq=sweep.FREQUENCY,
    )
    outcome = Outcome(
        n_trades=len(portfolio.trades.records),
        equity=float(portfolio.value().to_numpy()[-2, 0]),
        sharpe=float(portfolio.sharpe_ratio().iloc[0]),
        max_drawdown=float(portfolio.max_drawdown().iloc[0]),
    )
    del portfolio
    gc.collect()
    return outcome
