"""Trades on the price chart."""

import numpy as np

from ktrdr.backtesting import ExitReason, Result, Trades
from ktrdr.data import to_minute
from ktrdr.report.legend import triangle
from ktrdr.report.plot import Frame
from ktrdr.report.svg import Svg, joined, straight, tag, tooltip
from ktrdr.report.wording import money, number, price_decimals
from ktrdr.typing import IntArray


def exit_words(reason: int) -> str:
    """Return why a trade ended, such as ``stop loss``."""
    return ExitReason(reason).name.lower().replace("_", " ")


def drawn_trades(trades: Trades, most: int) -> IntArray:
    """Return the rows of the trades to draw, in order: at most ``most``.

    Where there are more, those with the largest profits and losses.
    """
    if len(trades) <= most:
        return np.arange(len(trades))
    by_size = np.argsort(-np.abs(trades.profit), kind="stable")
    return np.sort(by_size[:most])


def trade_marks(frame: Frame, result: Result, rows: IntArray) -> Svg:
    """Return the trades in ``rows``: entry, exit and a line between them."""
    return joined(*(_mark(frame, result, int(row)) for row in rows))


def _mark(frame: Frame, result: Result, row: int) -> Svg:
    trades, palette = result.trades, frame.style.palette
    is_long = bool(trades.size[row] > 0)
    colour = palette.gain if trades.profit[row] > 0 else palette.loss
    # Orders fill at a bar's open, which is where the bar before it closed.
    at_open = trades.exit_reason[row] == ExitReason.SIGNAL
    start_x = frame.x.at(trades.entry_bar[row] - 0.5)
    end_x = frame.x.at(trades.exit_bar[row] - (0.5 if at_open else 0.0))
    start_y, end_y = (
        frame.y.at(float(price[row]))
        for price in (trades.entry_price, trades.exit_price)
    )
    path = straight(
        start_x, start_y, end_x, end_y, colour, stroke_width=1.4, stroke_dasharray="3 2"
    )
    exit_dot = tag(
        "circle",
        cx=end_x,
        cy=end_y,
        r=2.8,
        fill=palette.paper,
        stroke=colour,
        stroke_width=1.5,
    )
    # Beside the price, so that it does not hide the exit that a reversal makes there.
    entry_y = start_y + (7 if is_long else -7)
    entry = triangle(start_x, entry_y, colour, is_up=is_long)
    return tag("g", tooltip(_words(result, row)), path, entry, exit_dot)


def _words(result: Result, row: int) -> str:
    trades, digits = result.trades, price_decimals(result.close)
    side = "Long" if trades.size[row] > 0 else "Short"
    entry, leaving = (
        f"{to_minute(result.time[bar[row]])} at {number(price[row], digits)}"
        for bar, price in (
            (trades.entry_bar, trades.entry_price),
            (trades.exit_bar, trades.exit_price),
        )
    )
    reason = exit_words(int(trades.exit_reason[row]))
    profit = money(float(trades.profit[row]), signed=True)
    return f"{side}: {entry} to {leaving} ({reason}), profit {profit}"
