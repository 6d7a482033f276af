"""What is wrong with data, and what is only worth knowing."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ktrdr.data.bars import COLUMNS
from ktrdr.data.calendar import Calendar
from ktrdr.data.calendar_guess import GuessedCalendar, guess_calendar
from ktrdr.data.columns import Columns
from ktrdr.data.gaps import GAP_KINDS, Gaps, find_gaps
from ktrdr.data.timeframe import Timeframe
from ktrdr.errors import DataError
from ktrdr.typing import BoolArray, IntArray, TimeArray

_SHOWN_ROWS = 5
_HOUR = np.timedelta64(1, "h")


class Fault(StrEnum):
    """What makes data unfit to be bars; all but FUTURE have a repair."""

    MISSING_PRICE = "missing price"
    BAD_PRICE = "price zero, negative or infinite"
    IMPOSSIBLE_RANGE = "high below or low above another price"
    BAD_VOLUME = "volume missing, negative or infinite"
    DISORDER = "earlier than the row before"
    DUPLICATE = "repeats another row"
    CONFLICT = "same time as another row with other values"
    OVERLAP = "opens before the bar before has closed"
    FUTURE = "opens in the future"


class Notice(StrEnum):
    """What is worth knowing and no fault."""

    OFF_GRID = "off the timeframe's grid"
    SHORT_BAR = "follows early, as after a short first bar or a clock change"
    NO_VOLUME = "volume 0"
    UNFINISHED = "had not closed when it was read"


_EXPLANATIONS = {
    Fault.OVERLAP: "the timeframe may be wrong",
    Fault.FUTURE: "the time format or zone may be wrong",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Finding:
    """Rows with the same fault or notice.

    Attributes
    ----------
    kind : Fault or Notice
    positions : ndarray of int64, shape (n_found,)
        Positions in the columns checked.
    text : str
        In words, with the first rows.
    """

    kind: Fault | Notice
    positions: IntArray
    text: str

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self.positions)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, kw_only=True, eq=False)
class QualityReport:
    """What a check found.

    Attributes
    ----------
    n_rows : int
    timeframe : Timeframe
    faults, notices : tuple of Finding
        Faults keep data from becoming bars.
    gaps : Gaps
        Between the distinct times, sorted.
    calendar : str
        Name of the calendar by which gaps were told apart.
    calendar_reason : str
        Why that one.
    """

    n_rows: int
    timeframe: Timeframe
    faults: tuple[Finding, ...]
    notices: tuple[Finding, ...]
    gaps: Gaps
    calendar: str
    calendar_reason: str

    def counts(self) -> dict[str, int]:
        """Return the number of rows or gaps of every kind that was found."""
        found = {
            str(finding.kind): finding.count
            for finding in (*self.faults, *self.notices)
        }
        for kind in GAP_KINDS:
            found[f"gaps, {kind}"] = self.gaps.count(kind)
            found[f"bars missing, {kind}"] = self.gaps.missing(kind)
        return {kind: count for kind, count in found.items() if count}


def check_quality(
    columns: Columns,
    symbol: str,
    timeframe: Timeframe,
    *,
    calendar: Calendar | None = None,
    now: np.datetime64,
) -> QualityReport:
    """Check ``columns`` and return what was found; nothing is changed.

    Parameters
    ----------
    columns : Columns
    symbol : str
        Helps to guess the calendar.
    timeframe : Timeframe
    calendar : Calendar, optional
        Tells gaps apart; guessed where not given.
    now : datetime64
        Bars that open later are faults, and one that closes later is unfinished.

    Raises
    ------
    DataError
        If there are no rows.
    """
    if not len(columns):
        raise DataError(f"{symbol} {timeframe}: there are no rows")
    findings = [
        *_price_findings(columns),
        *_order_findings(columns),
        *_spacing_findings(columns, timeframe),
        *_clock_findings(columns, timeframe, now),
    ]
    times = np.unique(columns.time[columns.time <= now])
    chosen = (
        guess_calendar(symbol, times, timeframe)
        if calendar is None
        else GuessedCalendar(calendar=calendar, reason="as asked")
    )
    return QualityReport(
        n_rows=len(columns),
        timeframe=timeframe,
        faults=tuple(one for one in findings if isinstance(one.kind, Fault)),
        notices=tuple(one for one in findings if isinstance(one.kind, Notice)),
        gaps=find_gaps(times, timeframe, chosen.calendar),
        calendar=chosen.calendar.name,
        calendar_reason=_reason(chosen, times),
    )


def lacks_price(columns: Columns) -> BoolArray:
    """Tell which rows have a price that is missing, infinite or not above 0."""
    prices = columns.prices()
    is_lacking: BoolArray = np.logical_or.reduce(~np.isfinite(prices) | (prices <= 0))
    return is_lacking


def lacks_volume(columns: Columns) -> BoolArray:
    """Tell which rows have a volume that is missing, infinite or below 0."""
    is_usable: BoolArray = np.isfinite(columns.volume) & (columns.volume >= 0)
    return ~is_usable


def have_equal_values(one: Columns, other: Columns) -> BoolArray:
    """Tell in which rows prices and volume are equal or both missing."""
    is_equal = np.ones(len(one), dtype=np.bool_)
    for name in COLUMNS:
        left, right = getattr(one, name), getattr(other, name)
        is_equal &= (left == right) | (np.isnan(left) & np.isnan(right))
    return is_equal


def repeated_rows(columns: Columns) -> tuple[BoolArray, BoolArray]:
    """Tell which rows repeat, and which contradict, the one before of the same time."""
    order = np.argsort(columns.time, kind="stable")
    is_same_time = np.zeros(len(columns), dtype=np.bool_)
    is_same_time[1:] = np.diff(columns.time[order]) == np.timedelta64(0, "ms")
    is_equal = np.zeros(len(columns), dtype=np.bool_)
    is_equal[1:] = have_equal_values(columns[order[1:]], columns[order[:-1]])
    repeated, conflicting = np.zeros_like(is_equal), np.zeros_like(is_equal)
    repeated[order] = is_same_time & is_equal
    conflicting[order] = is_same_time & ~is_equal
    return repeated, conflicting


def overlaps(columns: Columns, timeframe: Timeframe) -> tuple[IntArray, IntArray]:
    """Return where a bar opens before the one before it should have closed.

    Parameters
    ----------
    columns : Columns
        Sorted, each time once.
    timeframe : Timeframe

    Returns
    -------
    faulty, harmless : ndarrays of int64
        Positions of the later bars. Harmless is a daily or weekly bar up to an hour
        early, because the clock was changed, and a bar that begins on the grid after
        a short first bar of a session.
    """
    spacing = np.diff(columns.time)
    early = np.flatnonzero(spacing < timeframe.duration) + 1
    if timeframe in (Timeframe.D1, Timeframe.W1):
        is_harmless = timeframe.duration - spacing[early - 1] <= _HOUR
    else:
        previous = early - 1
        since = spacing[np.maximum(previous - 1, 0)]
        is_first = (previous == 0) | (since > timeframe.duration)
        on_grid = timeframe.opening(columns.time[early]) == columns.time[early]
        is_harmless = is_first & on_grid
    return early[~is_harmless], early[is_harmless]


def _reason(chosen: GuessedCalendar, times: TimeArray) -> str:
    first_year = chosen.calendar.first_year
    if first_year is None or not len(times):
        return chosen.reason
    if times[0] >= np.datetime64(f"{first_year}-01-01"):
        return chosen.reason
    return f"{chosen.reason}; its holidays are known from {first_year} on"


def _price_findings(columns: Columns) -> Iterator[Finding]:
    prices = columns.prices()
    is_missing: BoolArray = np.logical_or.reduce(np.isnan(prices))
    is_bad = lacks_price(columns) & ~is_missing
    is_too_narrow = (prices.max(axis=0) > columns.high) | (
        prices.min(axis=0) < columns.low
    )
    is_impossible = ~is_missing & ~is_bad & is_too_narrow
    yield from _found(columns, Fault.MISSING_PRICE, is_missing)
    yield from _found(columns, Fault.BAD_PRICE, is_bad)
    yield from _found(columns, Fault.IMPOSSIBLE_RANGE, is_impossible)
    yield from _found(columns, Fault.BAD_VOLUME, lacks_volume(columns))
    yield from _found(columns, Notice.NO_VOLUME, columns.volume == 0)


def _order_findings(columns: Columns) -> Iterator[Finding]:
    is_late = np.zeros(len(columns), dtype=np.bool_)
    is_late[1:] = columns.time[1:] < columns.time[:-1]
    yield from _found(columns, Fault.DISORDER, is_late)
    is_repeated, is_conflicting = repeated_rows(columns)
    yield from _found(columns, Fault.DUPLICATE, is_repeated)
    yield from _found(columns, Fault.CONFLICT, is_conflicting)


def _spacing_findings(columns: Columns, timeframe: Timeframe) -> Iterator[Finding]:
    _, first = np.unique(columns.time, return_index=True)
    faulty, harmless = overlaps(columns[first], timeframe)
    yield from _found(columns, Fault.OVERLAP, _mask(columns, first[faulty]))
    yield from _found(columns, Notice.SHORT_BAR, _mask(columns, first[harmless]))
    is_off_grid = timeframe.opening(columns.time) != columns.time
    yield from _found(columns, Notice.OFF_GRID, is_off_grid)


def _mask(columns: Columns, positions: IntArray) -> BoolArray:
    mask = np.zeros(len(columns), dtype=np.bool_)
    mask[positions] = True
    return mask


def _clock_findings(
    columns: Columns, timeframe: Timeframe, now: np.datetime64
) -> Iterator[Finding]:
    is_future = columns.time > now
    is_unfinished = ~is_future & (columns.time + timeframe.duration > now)
    yield from _found(columns, Fault.FUTURE, is_future)
    yield from _found(columns, Notice.UNFINISHED, is_unfinished)


def _found(
    columns: Columns, kind: Fault | Notice, where: BoolArray
) -> Iterator[Finding]:
    if where.any():
        positions = np.flatnonzero(where)
        text = _describe(columns, kind, positions)
        yield Finding(kind=kind, positions=positions, text=text)


def _describe(columns: Columns, kind: Fault | Notice, positions: IntArray) -> str:
    shown = positions[:_SHOWN_ROWS]
    places = ", ".join(
        f"{row} ({time})"
        for row, time in zip(
            columns.row[shown].tolist(),
            np.datetime_as_string(columns.time[shown], unit="s"),
            strict=True,
        )
    )
    more = ", ..." if len(positions) > len(shown) else ""
    rows = "row" if len(positions) == 1 else "rows"
    explanation = _EXPLANATIONS.get(kind) if isinstance(kind, Fault) else None
    reason = f" ({explanation})" if explanation else ""
    return f"{len(positions):,} {rows}: {kind}{reason}: {rows} {places}{more}"
