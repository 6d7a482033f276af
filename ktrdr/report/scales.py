"""From values to pixels: linear scales, and ticks that people can read."""

import math
from dataclasses import dataclass

import numpy as np

from ktrdr.typing import FloatArray, TimeArray

_LEAST_SPAN = 1e-9
_LEAST_SIZE = 1e-12


@dataclass(frozen=True, kw_only=True)
class Scale:
    """A straight line from values to pixels.

    Attributes
    ----------
    low, high : float
        Values at the ends; ``low`` is below ``high``.
    start, end : float
        Pixels at those values.
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, values: FloatArray) -> FloatArray:
        """Return the pixel of each value."""
        return self.start + (values - self.low) * (
            (self.end - self.start) / (self.high - self.low)
        )

    def at(self, value: float) -> float:
        """Return the pixel of one value."""
        return float(self(np.array(value)))


def padded(low: float, high: float, share: float = 0.06) -> tuple[float, float]:
    """Return limits with some room outside ``low`` and ``high``.

    Limits too near to be told apart in a label are moved 1 % of their size (or 1,
    near 0) to both sides.
    """
    span, size = high - low, max(abs(low), abs(high))
    if span > max(_LEAST_SPAN * size, _LEAST_SIZE):
        room = span * share
    else:
        room = size * 0.01 if size > _LEAST_SIZE else 1.0
    return low - room, high + room


def nice_ticks(low: float, high: float, most: int) -> FloatArray:
    """Return at most ``most`` multiples of 1, 2 or 5 times a power of 10.

    Parameters
    ----------
    low, high : float
        Limits, ``low`` below ``high``; both may be ticks.
    most : int
        At least 2.

    References
    ----------
    Heckbert (1990), Nice numbers for graph labels, Graphics Gems.
    """
    step = 10.0 ** math.floor(math.log10((high - low) / most))
    for factor in (1, 2, 5, 10, 20):
        first = math.ceil(low / (step * factor) - 1e-9)
        last = math.floor(high / (step * factor) + 1e-9)
        if last - first + 1 <= most:
            break
    ticks = np.arange(first, last + 1) * (step * factor)
    # Multiples of a step such as 0.1 carry rounding errors; -0.0 is no label.
    digits = max(2 - math.floor(math.log10(step)), 0)
    return np.round(ticks, digits) + 0.0


def tick_decimals(ticks: FloatArray) -> int:
    """Return the decimals that the ticks need, ten at most."""
    fractions = [f"{tick:.10f}".rstrip("0").partition(".")[2] for tick in ticks]
    return max(map(len, fractions), default=0)


@dataclass(frozen=True, kw_only=True)
class TimeTick:
    """One mark on a time axis: before bar ``row`` a new hour, day, month begins."""

    row: int
    label: str


# Unit of numpy, how many of it, and how a tick is written.
_STEPS = (
    *(("m", count, "minute") for count in (1, 5, 15, 30)),
    *(("h", count, "minute") for count in (1, 3, 6, 12)),
    *(("D", count, "day") for count in (1, 2, 7, 14)),
    *(("M", count, "month") for count in (1, 2, 3, 6)),
    *(("Y", count, "year") for count in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
)
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def time_ticks(time: TimeArray, most: int) -> list[TimeTick]:
    """Return at most ``most`` ticks at the beginnings of hours, days, months or years.

    Parameters
    ----------
    time : ndarray of datetime64, shape (n_bars,)
        Opening times, increasing. Bars are drawn side by side, so a tick stands
        at the first bar at or after its time.
    most : int
        At least 1.

    Notes
    -----
    Empty for fewer than two bars.
    """
    if len(time) < 2:
        return []
    for unit, count, style in _STEPS:
        # A span of many more steps than ticks has too many in any case.
        if _steps_between(time[0], time[-1], unit) > 50 * most * count:
            continue
        rows = _rows_of_steps(time, unit, count)
        if len(rows) <= most:
            return _labelled(time, rows, style)
    return []


def _steps_between(start: np.datetime64, end: np.datetime64, unit: str) -> int:
    steps = np.array([start, end]).astype(f"datetime64[{unit}]").astype(np.int64)
    return int(steps[1] - steps[0])


def _rows_of_steps(time: TimeArray, unit: str, count: int) -> list[int]:
    # Rows that are the first in a new step; the first bar is one only when it
    # opens right at the boundary.
    # Years count from 0, days from a Monday, so that steps are decades and weeks.
    origin = {"Y": 1970, "D": 3}.get(unit, 0)
    steps = (time.astype(f"datetime64[{unit}]").astype(np.int64) + origin) // count
    rows = np.flatnonzero(np.diff(steps) > 0) + 1
    opening = time[0].astype(f"datetime64[{unit}]")
    if opening == time[0] and steps[0] * count - origin == int(opening.astype(int)):
        rows = np.append(0, rows)
    return [int(row) for row in rows]


def _labelled(time: TimeArray, rows: list[int], style: str) -> list[TimeTick]:
    ticks = []
    before: np.datetime64 | None = None
    for row in rows:
        label = _label(time[row], before, style)
        ticks.append(TimeTick(row=row, label=label))
        before = time[row]
    return ticks


def _label(time: np.datetime64, before: np.datetime64 | None, style: str) -> str:
    # The larger unit is named where it changes: "Oct 2017", "Nov", "Dec", "Jan 2018".
    year, month, day, clock = _parts(time)
    old_year, old_month, old_day, _ = _parts(before) if before is not None else [""] * 4
    if style == "year":
        return year
    if style == "month":
        return month if year == old_year else f"{month} {year}"
    if style == "day":
        if year != old_year:
            return f"{day} {month} {year}"
        return f"{day} {month}"
    if (year, month, day) != (old_year, old_month, old_day):
        return f"{day} {month} {clock}"
    return clock


def _parts(time: np.datetime64) -> list[str]:
    date, clock = str(time.astype("datetime64[m]")).split("T")
    year, month, day = date.rsplit("-", 2)
    return [year, _MONTHS[int(month) - 1], str(int(day)), clock]
