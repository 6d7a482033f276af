"""The work done by vectorbt when its signals are made by TA-Lib, as ktrdr's are."""

from collections.abc import Callable

import talib

from benchmarks import vectorbt_contestant
from benchmarks.work import WINDOWS, Outcome, Prices

NAME = f"{vectorbt_contestant.NAME}, averages by TA-Lib"
NOTE = ""


def prepare(work: str, prices: Prices) -> Callable[[], Outcome]:
    """Return the work as a function; frames are made before."""
    frames = vectorbt_contestant.Frames(prices)

    def run() -> Outcome:
        fast, slow = (talib.SMA(prices.close, window) for window in WINDOWS)
        return vectorbt_contestant.cross(frames, fast > slow, stops=work == "W2")

    return run
