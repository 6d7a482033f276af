"""Raw columns of one file: times as written, numbers, and what else it tells."""

from dataclasses import dataclass

from ktrdr.data.files.stamps import Stamps
from ktrdr.data.timeframe import Timeframe
from ktrdr.typing import FloatArray, IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class RawTable:
    """What a file holds, in its own order.

    Attributes
    ----------
    row : ndarray of int64, shape (n_rows,)
        Line of a text file or row of a Parquet file, counted from 1.
    stamps : Stamps
    values : dict of str to ndarray of float64, shape (n_rows,)
        Open, high, low, close and volume; NaN where the file has none.
    symbol : str or None
        Symbol that the file itself tells.
    timeframe : Timeframe or None
        Timeframe that the file itself tells.
    settings : dict of str to str
        Layout, columns and format, in words.
    notes : tuple of str
        What the user should know.
    """

    row: IntArray
    stamps: Stamps
    values: dict[str, FloatArray]
    symbol: str | None
    timeframe: Timeframe | None
    settings: dict[str, str]
    notes: tuple[str, ...]
