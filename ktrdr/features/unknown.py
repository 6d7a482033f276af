"""Which rows of a feature matrix are unknown, and because of which feature."""

from dataclasses import dataclass

import numpy as np

from ktrdr.data import to_minute
from ktrdr.features.matrix import FeatureMatrix


@dataclass(frozen=True, kw_only=True)
class FeatureGaps:
    """Where one feature is unknown.

    Attributes
    ----------
    name : str
        Feature id.
    first_known : int or None
        Row of the first known value; None when there is none. The rows before it
        are the feature's warm-up.
    n_unknown_later : int
        Unknown rows after the first known one.
    """

    name: str
    first_known: int | None
    n_unknown_later: int


def feature_gaps(matrix: FeatureMatrix) -> tuple[FeatureGaps, ...]:
    """Return for every feature where it is unknown, in the order of the matrix."""
    is_known = ~np.isnan(matrix.values)
    return tuple(
        _gaps_of(name, np.flatnonzero(is_known[:, column]), len(is_known))
        for column, name in enumerate(matrix.names)
    )


def explain_unknown(matrix: FeatureMatrix) -> str:
    """Return one sentence: how many rows are unknown, and what is known last."""
    n_rows = len(matrix.values)
    n_unknown = int(n_rows - matrix.is_known.sum())
    if not n_unknown:
        return f"all {n_rows} rows are known"
    gaps = feature_gaps(matrix)
    never = [gap.name for gap in gaps if gap.first_known is None]
    text = f"{n_unknown} of {n_rows} rows are unknown"
    if never:
        return f"{text}: {', '.join(never)} never become known; more bars are needed"
    latest = max(gaps, key=lambda gap: gap.first_known or 0)
    row = latest.first_known or 0
    if row:
        time = to_minute(matrix.time[row])
        text += f": {latest.name} is the last to become known, in row {row} ({time})"
    n_later = n_unknown - row
    if n_later > 0:
        worst = max(gaps, key=lambda gap: gap.n_unknown_later).name
        text += f"; {n_later} of them lie later, most through {worst}"
    return text


def _gaps_of(name: str, known: np.ndarray, n_rows: int) -> FeatureGaps:
    if not known.size:
        return FeatureGaps(name=name, first_known=None, n_unknown_later=0)
    first = int(known[0])
    return FeatureGaps(
        name=name, first_known=first, n_unknown_later=n_rows - first - len(known)
    )
