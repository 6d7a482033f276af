"""A backtest's result, as it is stored and shown."""

from dataclasses import dataclass
from enum import IntEnum

from ktrdr.backtesting.simulation import Trades
from ktrdr.schemas import ResultManifest
from ktrdr.typing import FloatArray, IntArray, TargetArray, TimeArray


class Seen(IntEnum):
    """Part of the model's split that a bar lies in."""

    OTHER = 0
    TRAIN = 1
    VALIDATION = 2
    TEST = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Decisions:
    """What the model said and decided at each bar's close.

    Attributes
    ----------
    names : tuple of str
        Names of the model's outputs, such as ``short``, ``flat``, ``long``.
    outputs : ndarray of float64, shape (n_bars, n_outputs)
        Class probabilities or predicted return; NaN during warm-up.
    target : ndarray of int8, shape (n_bars,)
        Position wanted: -1, 0 or 1.
    seen : ndarray of int64, shape (n_bars,)
        Values of Seen.
    """

    names: tuple[str, ...]
    outputs: FloatArray
    target: TargetArray
    seen: IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """A stored backtest with its tables; arrays of shape (n_bars,).

    Attributes
    ----------
    digest : str
        Digest of the manifest.
    manifest : ResultManifest
        All that is not a table.
    trades : Trades
        Bars are counted from the first bar of the period.
    time : ndarray of datetime64[ms]
        Opening times of the period's bars.
    close, equity, hold_equity, drawdown, position : ndarray of float64
        At each bar's close: price, money, money had it bought and held instead,
        fraction below the highest equity so far (at most 0), units held.
    decisions : Decisions
        What the model said at each bar.
    """

    digest: str
    manifest: ResultManifest
    trades: Trades
    time: TimeArray
    close: FloatArray
    equity: FloatArray
    hold_equity: FloatArray
    drawdown: FloatArray
    position: FloatArray
    decisions: Decisions
