"""The list of trades."""

from dataclasses import dataclass

import numpy as np

from ktrdr.backtesting import Result
from ktrdr.data import to_minute
from ktrdr.report.trade_marks import exit_words
from ktrdr.report.wording import money, number, percent, price_decimals

# A page with more rows than this is slow to open; the Parquet table has them all.
MOST_ROWS = 1_000


@dataclass(frozen=True, kw_only=True)
class TradeRow:
    """One trade, as people read it.

    Attributes
    ----------
    profit, share : str
        Money, and profit as a fraction of the value at entry in percent.
    is_loss : bool
        Profit is below 0.
    """

    number: int
    side: str
    entered: str
    entry_price: str
    left: str
    exit_price: str
    size: str
    profit: str
    share: str
    commission: str
    reason: str
    is_loss: bool
    is_ambiguous: bool


def trade_rows(result: Result, most: int = MOST_ROWS) -> list[TradeRow]:
    """Return the first trades in order of entry, at most ``most``."""
    digits = price_decimals(result.close)
    size_digits = _size_digits(result)
    n_rows = min(len(result.trades), most)
    return [_row(result, row, digits, size_digits) for row in range(n_rows)]


def _row(result: Result, row: int, digits: int, size_digits: int) -> TradeRow:
    trades = result.trades
    size, profit = float(trades.size[row]), float(trades.profit[row])
    entry_price = float(trades.entry_price[row])
    commission = trades.entry_commission[row] + trades.exit_commission[row]
    return TradeRow(
        number=row + 1,
        side="long" if size > 0 else "short",
        entered=to_minute(result.time[trades.entry_bar[row]]),
        entry_price=number(entry_price, digits),
        left=to_minute(result.time[trades.exit_bar[row]]),
        exit_price=number(float(trades.exit_price[row]), digits),
        size=number(abs(size), size_digits),
        profit=money(profit, signed=True),
        share=percent(profit / (abs(size) * entry_price), signed=True),
        commission=money(float(commission)),
        reason=exit_words(int(trades.exit_reason[row])),
        is_loss=profit < 0,
        is_ambiguous=bool(trades.is_ambiguous[row]),
    )


def _size_digits(result: Result) -> int:
    # Whole units need none; fractions of large positions two, of small ones more.
    sizes = np.abs(result.trades.size)
    if not sizes.size or (sizes % 1 == 0).all():
        return 0
    return 2 if sizes.min() >= 100 else 6
