"""The lengths of bar that ktrdr knows."""

from enum import StrEnum

import numpy as np

from ktrdr.errors import InputError
from ktrdr.typing import TimeArray

_MINUTE_MS = 60_000
# The epoch began on a Thursday; weeks are labelled by their Monday.
_WEEK_ORIGIN_MS = 4 * 24 * 60 * _MINUTE_MS


class Timeframe(StrEnum):
    """Length of one bar."""

    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H4 = "4h"
    D1 = "1d"
    W1 = "1w"

    @classmethod
    def parse(cls, text: str) -> "Timeframe":
        """Return the timeframe named ``text``; raise InputError if there is none."""
        try:
            return cls(text)
        except ValueError:
            names = ", ".join(cls)
            raise InputError(
                f"unknown timeframe {text!r}: expected one of {names}"
            ) from None

    @property
    def milliseconds(self) -> int:
        """Length in milliseconds."""
        return _MINUTES[self] * _MINUTE_MS

    @property
    def duration(self) -> np.timedelta64:
        """Length as a numpy time difference."""
        return np.timedelta64(self.milliseconds, "ms")

    def opening(self, times: TimeArray) -> TimeArray:
        """Return the opening time of the bar of this timeframe that holds each time.

        Days begin at 00:00 UTC, weeks on Monday 00:00 UTC.
        """
        origin = _WEEK_ORIGIN_MS if self is Timeframe.W1 else 0
        ms = times.astype("datetime64[ms]").astype(np.int64) - origin
        floored = ms // self.milliseconds * self.milliseconds + origin
        return floored.astype("datetime64[ms]")


_MINUTES = {
    Timeframe.M1: 1,
    Timeframe.M5: 5,
    Timeframe.M15: 15,
    Timeframe.M30: 30,
    Timeframe.H1: 60,
    Timeframe.H4: 240,
    Timeframe.D1: 1_440,
    Timeframe.W1: 10_080,
}
