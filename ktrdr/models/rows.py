"""Which bars a model is asked about."""

from collections.abc import Sequence

import numpy as np

from ktrdr.data import Bars, from_iso, to_iso
from ktrdr.errors import InputError, NotFoundError
from ktrdr.features import FeatureMatrix, explain_unknown
from ktrdr.models.bundle import Bundle


def rows_to_explain(
    bars: Bars, matrix: FeatureMatrix, at: Sequence[str] = (), last: int | None = None
) -> list[int]:
    """Return the rows of the bars that hold the moments ``at``, and the ``last`` known.

    The newest known row where neither is given.

    Raises
    ------
    NotFoundError
        If no bar holds one of the moments; names the nearest.
    InputError
        If nothing is known, or a moment is not one.
    """
    rows = {_row_at(bars, text) for text in at}
    if rows and last is None:
        return sorted(rows)
    known = np.flatnonzero(matrix.is_known)
    if not known.size:
        raise InputError(f"no bar can be explained: {explain_unknown(matrix)}")
    return sorted(rows | set(known[-(last or 1) :].tolist()))


def first_decision_row(bundle: Bundle, matrix: FeatureMatrix, first_row: int) -> int:
    """Return the row with which decisions begin, when ``first_row`` is asked about.

    Positions carry over from bar to bar: begin where a backtest would, with the
    model's test part, or with the first bar where an earlier one is asked about.
    """
    test = from_iso(bundle.manifest.split.test.start)
    start = int(np.searchsorted(matrix.time, test))
    return start if first_row >= start else 0


def _row_at(bars: Bars, text: str) -> int:
    moment = from_iso(text)
    row = int(np.searchsorted(bars.time, moment, side="right")) - 1
    if row < 0 or moment >= bars.close_time[row]:
        near = bars.time[max(row, 0) : row + 2]
        nearest = " and ".join(to_iso(time) for time in near)
        raise NotFoundError(
            f"no {bars.symbol} {bars.timeframe} bar holds {text}; "
            f"the nearest: {nearest}"
        )
    return row
