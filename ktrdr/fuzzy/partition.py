"""Partitions of an indicator's range, fitted to its values."""

from collections.abc import Mapping

import numpy as np

from ktrdr.errors import DataError
from ktrdr.fuzzy.membership import LARGEST_PARAMETER, MembershipFunction
from ktrdr.typing import FloatArray


def fit_partition(
    auto: Mapping[str, float | None], values: FloatArray, *, source: str = "partition"
) -> dict[str, MembershipFunction]:
    """Return terms whose degrees sum to 1 everywhere, peaking at quantiles.

    The first term is 1 up to its peak, the last from its peak on; each term falls
    to 0 at its neighbours' peaks.

    Parameters
    ----------
    auto : mapping of str to float or None
        At least two names, from low to high, with increasing quantiles from 0 to 1;
        or all None: then each of k terms peaks in the middle of its k-th of the
        values, at quantile (i + 0.5) / k.
    values : ndarray of any shape
        Values of the training bars. NaN is left out.
    source : str
        What is fitted, for messages.

    Returns
    -------
    dict of str to MembershipFunction
        In the order of ``auto``.

    Raises
    ------
    DataError
        If a value is infinite or beyond 1e100, or if the values are too few or too
        alike for peaks that differ.

    Notes
    -----
    Quantiles are interpolated linearly. Where so many values are equal that two
    peaks would coincide, as with a pattern that is 0 on most bars, the quantiles
    are those of the distinct values instead.

    References
    ----------
    Ruspini (1969), A New Approach to Clustering.
    """
    names = tuple(auto)
    known = _checked(np.asarray(values, dtype=np.float64), source)
    quantiles = _quantiles(tuple(auto.values()))
    peaks = np.quantile(known, quantiles)
    if not _differ(peaks):
        distinct = np.unique(known)
        peaks = np.quantile(distinct, quantiles)
        if not _differ(peaks):
            raise DataError(
                f"{source}: {known.size} values with {distinct.size} distinct, "
                f"from {distinct[0]:g} to {distinct[-1]:g}, are too alike to tell "
                f"{', '.join(names)} apart; give the membership functions in the "
                "strategy or choose an indicator that varies"
            )
    return _terms(names, [float(peak) for peak in peaks])


def _checked(values: FloatArray, source: str) -> FloatArray:
    known = values[~np.isnan(values)]
    if not known.size:
        raise DataError(
            f"{source}: no known value in {values.size} training bars; "
            "use more bars or an indicator with a shorter warm-up"
        )
    if not (np.abs(known) <= LARGEST_PARAMETER).all():
        raise DataError(
            f"{source}: found a value that is infinite or beyond "
            f"{LARGEST_PARAMETER:g}; expected numbers of ordinary size"
        )
    return known


def _quantiles(given: tuple[float | None, ...]) -> list[float]:
    even = [(i + 0.5) / len(given) for i in range(len(given))]
    return [
        even[i] if quantile is None else quantile for i, quantile in enumerate(given)
    ]


def _differ(peaks: FloatArray) -> bool:
    return bool((np.diff(peaks) > 0).all())


def _terms(names: tuple[str, ...], peaks: list[float]) -> dict[str, MembershipFunction]:
    terms = {
        name: MembershipFunction(type="triangular", parameters=tuple(peaks[i : i + 3]))
        for i, name in enumerate(names[1:-1])
    }
    first = MembershipFunction(type="linear_z", parameters=(peaks[0], peaks[1]))
    last = MembershipFunction(type="linear_s", parameters=(peaks[-2], peaks[-1]))
    return {names[0]: first, **terms, names[-1]: last}
