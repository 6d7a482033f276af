"""Returns by month and year."""

from dataclasses import dataclass

import numpy as np

from ktrdr.typing import FloatArray, TimeArray

# Weekends and holidays at a month's edge don't make it a partial one.
_TOLERANCE = np.timedelta64(4, "D")


@dataclass(frozen=True, kw_only=True)
class PeriodReturn:
    """Return within one month or year.

    Attributes
    ----------
    value : float or None
        A fraction; None where equity had fallen to 0 or below before.
    is_partial : bool
        The bars begin more than four days after the month or year does, or end more
        than four days before it ends.
    """

    value: float | None
    is_partial: bool


@dataclass(frozen=True, kw_only=True)
class YearReturns:
    """Returns of one calendar year.

    Attributes
    ----------
    year : int
        Such as 2017.
    months : tuple of PeriodReturn or None
        January to December; None for months without bars.
    whole : PeriodReturn
        Of the year's bars: its months compounded.
    """

    year: int
    months: tuple[PeriodReturn | None, ...]
    whole: PeriodReturn


def monthly_returns(
    time: TimeArray, equity: FloatArray, initial_cash: float
) -> list[YearReturns]:
    """Return the table of monthly returns, one row a year.

    Parameters
    ----------
    time : ndarray of datetime64, shape (n_bars,)
        Opening times, increasing; a bar belongs to the month it opens in.
    equity : ndarray of shape (n_bars,)
        Money at each bar's close.
    initial_cash : float
        Money before the first bar.

    Notes
    -----
    A month's return is its last equity divided by that of the month before (for the
    first, by the initial cash) minus 1, so months compound to years and years to
    the total return.
    """
    months = time.astype("datetime64[M]")
    last_rows = np.append(np.flatnonzero(np.diff(months) > np.timedelta64(0, "M")), -1)
    ends = equity[last_rows]
    begins = np.append(initial_cash, ends[:-1])
    found = {
        np.datetime64(month, "M"): (float(begin), float(end))
        for month, begin, end in zip(months[last_rows], begins, ends, strict=True)
    }
    years = sorted({month.astype("datetime64[Y]") for month in found})
    return [_year(year, found, time) for year in years]


def _year(
    year: np.datetime64,
    found: dict[np.datetime64, tuple[float, float]],
    time: TimeArray,
) -> YearReturns:
    january = year.astype("datetime64[M]")
    names = [january + np.timedelta64(offset, "M") for offset in range(12)]
    present = [found[name] for name in names if name in found]
    return YearReturns(
        year=int(str(year)),
        months=tuple(
            _return(name, 1, *found[name], time) if name in found else None
            for name in names
        ),
        whole=_return(january, 12, present[0][0], present[-1][1], time),
    )


def _return(
    start: np.datetime64, n_months: int, begin: float, end: float, time: TimeArray
) -> PeriodReturn:
    first = start.astype("datetime64[D]")
    after = (start + np.timedelta64(n_months, "M")).astype("datetime64[D]")
    return PeriodReturn(
        value=end / begin - 1 if begin > 0 else None,
        is_partial=bool(time[0] > first + _TOLERANCE or time[-1] < after - _TOLERANCE),
    )
