"""The windows of a walk-forward study: training, validation and test in time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ktrdr.errors import InputError
from ktrdr.strategy import SplitSpec
from ktrdr.typing import TimeArray

# As many bars in a part as a training needs samples, at least.
_LEAST_BARS = 20


@dataclass(frozen=True, kw_only=True)
class Window:
    """One window, in opening times of base bars.

    Attributes
    ----------
    start : datetime64
        First bar of training.
    validation_start : datetime64
        Where validation begins and training ends.
    cut : datetime64
        Where validation ends: the embargo lies between it and the test.
    test_start, test_end : datetime64
        First bar of the test, and the first moment after it.
    shares : tuple of float
        Training, validation and the rest, of all symbols' bars from ``start`` up to
        ``test_end``: with these a training splits at these moments.
    """

    start: np.datetime64
    validation_start: np.datetime64
    cut: np.datetime64
    test_start: np.datetime64
    test_end: np.datetime64
    shares: tuple[float, float, float]


def make_windows(
    times: Sequence[TimeArray],
    split: SplitSpec,
    *,
    n_windows: int,
    train_fraction: float,
    is_anchored: bool,
    bar: np.timedelta64,
) -> list[Window]:
    """Return windows whose tests follow each other up to the last bar.

    Parameters
    ----------
    times : sequence of ndarray of datetime64[ms]
        Opening times of each symbol's base bars that may be used.
    split : SplitSpec
        The ratio of validation to training, and the embargo, which is kept before
        each validation and each test.
    n_windows : int
        Tests, each of as many moments; the first training has what is left over.
    train_fraction : float
        Of a window: training and validation to the whole, of the first one if
        ``is_anchored``.
    is_anchored : bool
        All windows begin at the first bar.
    bar : timedelta64
        Length of a base bar.

    Raises
    ------
    InputError
        If there are too few bars.

    Notes
    -----
    With n moments, w windows and a fraction f, a window has ``n / (f + w * (1 -
    f))`` moments. Labels that look beyond ``cut`` are purged by the training itself,
    which ends there: nothing of a test bears on its model.
    """
    pooled = np.sort(np.concatenate(times)) if times else np.empty(0, "datetime64[ms]")
    moments = np.unique(pooled)
    ends = np.append(moments, moments[-1:] + bar)
    n_test = int(
        len(moments)
        * (1 - train_fraction)
        / (train_fraction + n_windows * (1 - train_fraction))
    )
    n_train = len(moments) - n_windows * n_test
    share = split.validation / (split.train + split.validation)
    _check_lengths(len(moments), n_windows, n_test, n_train - 2 * split.embargo, share)
    windows = []
    for number in range(n_windows):
        test = n_train + number * n_test
        first = 0 if is_anchored else number * n_test
        cut = test - split.embargo
        n_validation = round((cut - split.embargo - first) * share)
        validation = cut - n_validation - split.embargo
        windows.append(
            _window(pooled, ends, (first, validation, cut, test, test + n_test))
        )
    return windows


def _check_lengths(
    n_moments: int, n_windows: int, n_test: int, n_learned: int, share: float
) -> None:
    n_validation = max(0, round(n_learned * share))
    n_train = max(0, n_learned - n_validation)
    if min(n_test, n_validation, n_train) < _LEAST_BARS:
        raise InputError(
            f"{n_moments:,} base bars are too few for {n_windows} windows: each would "
            f"train on {n_train}, validate on {n_validation} and test on {n_test}, at "
            f"least {_LEAST_BARS} each expected; ask for fewer windows, a smaller "
            "embargo or import more data"
        )


def _window(
    pooled: TimeArray, ends: TimeArray, rows: tuple[int, int, int, int, int]
) -> Window:
    start, validation, cut, test, end = (ends[row] for row in rows)
    # Shares count the bars of all symbols, as the split does.
    counts = np.searchsorted(pooled, [start, validation, cut, end])
    shares = np.diff(counts) / (counts[-1] - counts[0])
    first, second, third = shares.tolist()
    return Window(
        start=start,
        validation_start=validation,
        cut=cut,
        test_start=test,
        test_end=end,
        shares=(first, second, third),
    )
