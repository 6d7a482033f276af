"""The split: training, validation and test follow each other in time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ktrdr.data import Bars, to_iso
from ktrdr.errors import InputError
from ktrdr.models import PartName
from ktrdr.strategy import SplitSpec
from ktrdr.training.labels import Labels
from ktrdr.typing import BoolArray, TimeArray

PART_NAMES: tuple[PartName, ...] = ("train", "validation", "test")
# Fewer teach nothing and measure nothing.
LEAST_SAMPLES = 20
# Shares that add up to 1 on paper may miss it by rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Period:
    """One part of the split, the same for all symbols.

    Attributes
    ----------
    boundary : datetime64
        Where the part before ends; base bars that open from here on are not its.
    start : datetime64
        Opening time of the first base bar used: the boundary plus the embargo.
    last : datetime64
        Opening time of the last base bar.
    end : datetime64
        Later than that of the last bar: all that labels depend on opens before it.
    """

    boundary: np.datetime64
    start: np.datetime64
    last: np.datetime64
    end: np.datetime64


@dataclass(frozen=True, kw_only=True)
class Split:
    """Where the parts lie."""

    train: Period
    validation: Period
    test: Period

    def __getitem__(self, part: PartName) -> Period:
        return {"train": self.train, "validation": self.validation, "test": self.test}[
            part
        ]


def make_split(
    times: Sequence[TimeArray], spec: SplitSpec, bar: np.timedelta64
) -> Split:
    """Return the parts: shares of all bars, cut at the same moments for all symbols.

    Parameters
    ----------
    times : sequence of ndarray of datetime64[ms]
        Opening times of each symbol's base bars that may be used.
    spec : SplitSpec
        Shares and embargo.
    bar : timedelta64
        Length of a base bar.

    Raises
    ------
    InputError
        If there are too few bars for the parts, or the embargo leaves none.
    """
    pooled = np.sort(np.concatenate(times)) if times else np.empty(0, "datetime64[ms]")
    distinct = np.unique(pooled)
    if len(distinct) < 3 * LEAST_SAMPLES:
        raise InputError(
            f"{len(distinct)} base bars are too few to split in training, validation "
            f"and test: at least {3 * LEAST_SAMPLES} expected; import more data, or "
            "widen training_data.start and end or lower history_required"
        )
    shares = np.cumsum([spec.train, spec.validation, spec.test])
    first_cut, second_cut, end = (_moment(pooled, share, bar) for share in shares)
    return Split(
        train=_period(distinct, (pooled[0], first_cut), 0, "train"),
        validation=_period(
            distinct, (first_cut, second_cut), spec.embargo, "validation"
        ),
        test=_period(distinct, (second_cut, end), spec.embargo, "test"),
    )


def _moment(pooled: TimeArray, share: float, bar: np.timedelta64) -> np.datetime64:
    # All bars that open at one moment go to the same side of it.
    row = int(len(pooled) * (share + _ROUNDING))
    moment: np.datetime64 = pooled[row] if row < len(pooled) else pooled[-1] + bar
    return moment


def _period(
    distinct: TimeArray,
    limits: tuple[np.datetime64, np.datetime64],
    embargo: int,
    part: PartName,
) -> Period:
    boundary, end = limits
    first = int(np.searchsorted(distinct, boundary)) + embargo
    last = int(np.searchsorted(distinct, end)) - 1
    if first > last:
        raise InputError(
            f"an embargo of {embargo} base bars leaves nothing of the {part} part, "
            f"which begins at {to_iso(boundary)} and ends before {to_iso(end)}; "
            "lower training.split.embargo or import more data"
        )
    return Period(
        boundary=boundary, start=distinct[first], last=distinct[last], end=end
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class PartRows:
    """The rows of one symbol in one part.

    Attributes
    ----------
    used : ndarray of bool, shape (n_bars,)
        Samples.
    left_out : ndarray of bool, shape (n_bars,)
        Rows with features and a label that were purged, since the label depends on
        bars after the part, or embargoed.
    """

    used: BoolArray
    left_out: BoolArray


def rows_of(
    period: Period, bars: Bars, labels: Labels, is_usable: BoolArray
) -> PartRows:
    """Return which rows of a symbol are samples of ``period``.

    Parameters
    ----------
    period : Period
    bars : Bars
        The symbol's base bars.
    labels : Labels
        Of these bars.
    is_usable : ndarray of bool, shape (n_bars,)
        Rows whose features are known and that may be used.
    """
    usable = is_usable & labels.is_known
    in_part = usable & (bars.time >= period.boundary) & (bars.time < period.end)
    # An unknown end indexes the last bar, harmlessly: such rows are not usable.
    is_within = bars.time[labels.end] < period.end
    used = in_part & (bars.time >= period.start) & is_within
    return PartRows(used=used, left_out=in_part & ~used)
