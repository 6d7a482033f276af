"""Bars: one symbol's open, high, low, close and volume, in columns."""

from dataclasses import dataclass

import numpy as np

from ktrdr.data.timeframe import Timeframe
from ktrdr.errors import DataError
from ktrdr.typing import FloatArray, TimeArray

PRICE_COLUMNS = ("open", "high", "low", "close")
COLUMNS = (*PRICE_COLUMNS, "volume")


@dataclass(frozen=True, kw_only=True, eq=False)
class Bars:
    """Bars of one symbol and timeframe, oldest first; arrays are read-only.

    Attributes
    ----------
    symbol : str
        Such as ``EURUSD``.
    timeframe : Timeframe
        Length of a bar.
    time : ndarray of datetime64[ms], shape (n_bars,)
        Opening time of each bar, UTC, strictly increasing.
    open, high, low, close : ndarray of float64, shape (n_bars,)
        Prices, finite and above 0, with low <= open, close <= high.
    volume : ndarray of float64, shape (n_bars,)
        At least 0; all 0 where the source has none.

    Raises
    ------
    DataError
        If the columns break one of these rules. Data that may break them is
        checked and repaired in ``ktrdr.data`` before it becomes Bars.

    Notes
    -----
    A bar is labelled by its opening time and known at its close, ``close_time``.
    """

    symbol: str
    timeframe: Timeframe
    time: TimeArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray

    def __post_init__(self) -> None:
        time = np.array(self.time, dtype="datetime64[ms]")
        columns = {name: np.array(getattr(self, name), np.float64) for name in COLUMNS}
        for name, column in {"time": time, **columns}.items():
            column.flags.writeable = False
            object.__setattr__(self, name, column)
            if column.shape != (len(time),):
                raise DataError(
                    f"{self.symbol} {self.timeframe}: column {name} has shape "
                    f"{column.shape}, expected ({len(time)},)"
                )
        self._check_values()

    def _check_values(self) -> None:
        prices = np.stack([getattr(self, name) for name in PRICE_COLUMNS])
        problems = {
            "a time that does not follow the one before": np.flatnonzero(
                np.diff(self.time) <= np.timedelta64(0, "ms")
            )
            + 1,
            "a price that is not finite and above 0": np.flatnonzero(
                ~(np.isfinite(prices) & (prices > 0)).all(axis=0)
            ),
            "a high below or a low above another price": np.flatnonzero(
                (prices.max(axis=0) > self.high) | (prices.min(axis=0) < self.low)
            ),
            "a volume that is not finite and at least 0": np.flatnonzero(
                ~(np.isfinite(self.volume) & (self.volume >= 0))
            ),
        }
        for problem, rows in problems.items():
            if rows.size:
                raise DataError(
                    f"{self.symbol} {self.timeframe}: {rows.size} bars with {problem}, "
                    f"the first at row {rows[0]} ({self.time[rows[0]]}); "
                    "see `ktrdr data check` and `--repair`"
                )

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, rows: slice) -> "Bars":
        return Bars(
            symbol=self.symbol,
            timeframe=self.timeframe,
            time=self.time[rows],
            **{name: getattr(self, name)[rows] for name in COLUMNS},
        )

    @property
    def close_time(self) -> TimeArray:
        """When each bar is known: its opening time plus the timeframe."""
        return self.time + self.timeframe.duration

    def between(
        self, start: np.datetime64 | None = None, end: np.datetime64 | None = None
    ) -> "Bars":
        """Return the bars that open at or after ``start`` and before ``end``."""
        first = 0 if start is None else int(np.searchsorted(self.time, start))
        last = len(self) if end is None else int(np.searchsorted(self.time, end))
        return self[first:last]
