"""Columns as a file holds them, not yet known to make bars."""

from dataclasses import dataclass

import numpy as np

from ktrdr.data.bars import COLUMNS, Bars
from ktrdr.data.timeframe import Timeframe
from ktrdr.errors import DataError
from ktrdr.typing import FloatArray, IntArray, TimeArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Columns:
    """Rows in the order of their source, which may be faulty.

    Attributes
    ----------
    row : ndarray of int64, shape (n_rows,)
        Line of the source file, or row of a Parquet file, counted from 1.
    time : ndarray of datetime64[ms], shape (n_rows,)
        Opening times, UTC.
    open, high, low, close, volume : ndarray of float64, shape (n_rows,)
        NaN where the source has no value.
    """

    row: IntArray
    time: TimeArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray

    def __post_init__(self) -> None:
        lengths = {name: len(getattr(self, name)) for name in ("row", "time", *COLUMNS)}
        if len(set(lengths.values())) > 1:
            raise DataError(f"columns differ in length: {lengths}")

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, rows: slice | IntArray) -> "Columns":
        return Columns(
            row=self.row[rows],
            time=self.time[rows],
            **{name: getattr(self, name)[rows] for name in COLUMNS},
        )

    @classmethod
    def of_bars(cls, bars: Bars) -> "Columns":
        """Return the columns of ``bars``, rows counted from 1."""
        return cls(
            row=np.arange(1, len(bars) + 1),
            time=bars.time,
            **{name: getattr(bars, name) for name in COLUMNS},
        )

    def to_bars(self, symbol: str, timeframe: Timeframe) -> Bars:
        """Return them as bars, or raise DataError if they make none."""
        return Bars(
            symbol=symbol,
            timeframe=timeframe,
            time=self.time,
            **{name: getattr(self, name) for name in COLUMNS},
        )

    def prices(self) -> FloatArray:
        """Return the prices, shape (4, n_rows): open, high, low, close."""
        return np.stack([self.open, self.high, self.low, self.close])
