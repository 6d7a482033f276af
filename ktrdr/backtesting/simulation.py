"""What a simulation gives: trades in columns, and equity at every close."""

from dataclasses import dataclass, fields
from enum import IntEnum
from functools import cached_property

import numpy as np

from ktrdr.backtesting.stretches import Stretches
from ktrdr.typing import BoolArray, FloatArray, IntArray


class ExitReason(IntEnum):
    """Why a trade ended."""

    SIGNAL = 0
    STOP_LOSS = 1
    TAKE_PROFIT = 2
    TRAILING_STOP = 3
    END_OF_DATA = 4
    RUIN = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class Trades:
    """Trades from entry to exit, in order of entry; arrays of shape (n_trades,).

    Attributes
    ----------
    entry_bar, exit_bar : ndarray of int64
        Bars in which the fills happened.
    size : ndarray of float64
        Units, negative when short.
    entry_price, exit_price : ndarray of float64
        Fill prices, spread and slippage included.
    entry_commission, exit_commission : ndarray of float64
        In money, at least 0.
    profit : ndarray of float64
        In money, after both commissions, spread and slippage of both fills.
    exit_reason : ndarray of int64
        Values of ExitReason.
    is_ambiguous : ndarray of bool
        The exit bar touched both stop and target, so the order is not known.
    """

    entry_bar: IntArray
    exit_bar: IntArray
    size: FloatArray
    entry_price: FloatArray
    exit_price: FloatArray
    entry_commission: FloatArray
    exit_commission: FloatArray
    profit: FloatArray
    exit_reason: IntArray
    is_ambiguous: BoolArray

    def __len__(self) -> int:
        return len(self.entry_bar)

    @classmethod
    def columns(cls) -> tuple[str, ...]:
        """Names of all columns, in order."""
        return tuple(field.name for field in fields(cls))


@dataclass(frozen=True, kw_only=True, eq=False)
class Simulation:
    """Result of trading given targets on given bars.

    Attributes
    ----------
    trades : Trades
        Every trade; the last position is closed at the last bar's close.
    equity : ndarray of float64, shape (n_bars,)
        Cash plus the position's value at each bar's close, in money. The last
        element has the closing trade's costs taken off.
    is_ruined : bool
        Equity was 0 or less at a bar's close or after an exit. A position still
        open is then closed at the next bar's open, and no entry is made any more.
    """

    trades: Trades
    equity: FloatArray
    is_ruined: bool

    @cached_property
    def position(self) -> FloatArray:
        """Units held at each bar's close, before the final closing trade."""
        trades = self.trades
        is_kept = trades.exit_reason == ExitReason.END_OF_DATA
        stop = np.where(is_kept, len(self.equity), trades.exit_bar)
        stretches = Stretches.of(trades.entry_bar, stop, len(self.equity))
        return stretches.column(trades.size)
