"""A candle chart of characters, for terminals."""

from dataclasses import dataclass

import numpy as np

from ktrdr.data.bars import Bars
from ktrdr.errors import InputError
from ktrdr.typing import BoolArray, FloatArray

# Half cells: nothing, wick or body in the upper and in the lower half.
_EMPTY, _WICK, _BODY = 0, 1, 2
_CHARACTERS = {
    (_EMPTY, _EMPTY): " ",
    (_EMPTY, _WICK): "╷",
    (_EMPTY, _BODY): "╻",
    (_WICK, _EMPTY): "╵",
    (_WICK, _WICK): "│",
    (_WICK, _BODY): "╽",
    (_BODY, _EMPTY): "╹",
    (_BODY, _WICK): "╿",
    (_BODY, _BODY): "┃",
}


@dataclass(frozen=True, kw_only=True)
class CandleChart:
    """A chart as text.

    Attributes
    ----------
    rows : tuple of str
        Highest prices first, one character a candle.
    prices : tuple of float
        Price at the middle of each row.
    is_up : tuple of bool
        Whether each candle closes at or above its open.
    bars_per_candle : int
        How many bars were joined in each candle but perhaps the last.
    """

    rows: tuple[str, ...]
    prices: tuple[float, ...]
    is_up: tuple[bool, ...]
    bars_per_candle: int


def draw_candles(bars: Bars, *, width: int, height: int) -> CandleChart:
    """Return a chart of ``bars`` of at most ``width`` by exactly ``height`` characters.

    Where there are more bars than columns, the same number of neighbours is joined in
    each candle: first open, highest high, lowest low, last close.

    Raises
    ------
    InputError
        If there are no bars or no room.
    """
    if not len(bars) or width < 1 or height < 1:
        raise InputError(
            f"can't draw {len(bars)} bars in {width} x {height} characters"
        )
    n_joined = -(-len(bars) // width)
    starts = np.arange(0, len(bars), n_joined)
    candles = _Candles(
        open=bars.open[starts],
        high=np.maximum.reduceat(bars.high, starts),
        low=np.minimum.reduceat(bars.low, starts),
        close=bars.close[np.append(starts[1:], len(bars)) - 1],
    )
    top, bottom = float(candles.high.max()), float(candles.low.min())
    step = (top - bottom) / height
    return CandleChart(
        rows=_rows(candles, top, bottom, height),
        prices=tuple(top - step * (row + 0.5) for row in range(height)),
        is_up=tuple((candles.close >= candles.open).tolist()),
        bars_per_candle=n_joined,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Candles:
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray


def _rows(candles: _Candles, top: float, bottom: float, height: int) -> tuple[str, ...]:
    spread = top - bottom if top > bottom else 1.0
    halves = np.arange(2 * height)[:, None]

    def spans(low: FloatArray, high: FloatArray) -> BoolArray:
        lowest, highest = (
            # Divided first: the least prices have no finite reciprocal.
            np.rint((price - bottom) / spread * (2 * height - 1))
            for price in (low, high)
        )
        covered: BoolArray = (halves >= lowest) & (halves <= highest)
        return covered

    cells = np.where(spans(candles.low, candles.high), _WICK, _EMPTY)
    body = (
        np.minimum(candles.open, candles.close),
        np.maximum(candles.open, candles.close),
    )
    cells[spans(*body)] = _BODY
    upper, lower = cells[1::2][::-1].tolist(), cells[::2][::-1].tolist()
    return tuple(
        "".join(_CHARACTERS[pair] for pair in zip(above, below, strict=True))
        for above, below in zip(upper, lower, strict=True)
    )
