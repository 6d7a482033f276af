"""Repairs: each one is counted, named and kept with the bars."""

from collections.abc import Iterator

import numpy as np

from ktrdr.data.columns import Columns
from ktrdr.data.provenance import Change, ChangeKind
from ktrdr.data.quality import (
    have_equal_values,
    lacks_price,
    lacks_volume,
    overlaps,
    repeated_rows,
)
from ktrdr.data.timeframe import Timeframe
from ktrdr.errors import DataError
from ktrdr.typing import BoolArray, FloatArray

_MOST_OVERLAPS = 0.01
_LONGEST_RUN = 100
_MOST_IMPOSSIBLE = 0.5
_LEAST_BARS = 50


def repair(
    columns: Columns, timeframe: Timeframe
) -> tuple[Columns, tuple[Change, ...]]:
    """Return columns without the faults that have a repair, and every change made.

    In this order: rows without a usable price go; rows are sorted by time; of rows
    with the same time the last one of the file stays; bars that open inside the one
    before go; high and low are widened to hold open and close; volumes that are
    missing, infinite or negative become 0.

    Raises
    ------
    DataError
        If nothing is left; if more than one bar in a hundred overlaps another: then
        the timeframe is wrong and not the data; or if in most of many bars high or low
        is impossible: then columns were mistaken for others.

    Notes
    -----
    A row that is not among the changes is as the source has it.
    """
    changes: list[Change] = []
    is_dropped = lacks_price(columns)
    changes += _removals(columns, "row_without_price_removed", is_dropped)
    columns = columns[np.flatnonzero(~is_dropped)]
    columns, moves = _sorted(columns)
    changes += moves
    columns, removals = _each_time_once(columns)
    changes += removals
    columns, removals = _apart(columns, timeframe)
    changes += removals
    columns, widenings = _widened(columns)
    changes += widenings
    columns, resets = _with_volume(columns)
    changes += resets
    if not len(columns):
        raise DataError("no row has usable prices: nothing is left to import")
    return columns, tuple(changes)


def _sorted(columns: Columns) -> tuple[Columns, list[Change]]:
    order = np.argsort(columns.time, kind="stable")
    # Rows that are not earlier than all before them stay; only the others move.
    highest = np.maximum.accumulate(columns.time)
    moved = np.flatnonzero(columns.time < highest)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    changes = [
        _change(columns, "row_moved", at, float(at + 1), float(place[at] + 1))
        for at in moved.tolist()
    ]
    return columns[order], changes


def _each_time_once(columns: Columns) -> tuple[Columns, list[Change]]:
    is_repeated, _ = repeated_rows(columns)
    changes = list(_removals(columns, "duplicate_removed", is_repeated))
    columns = columns[np.flatnonzero(~is_repeated)]
    is_replaced = np.zeros(len(columns), dtype=np.bool_)
    is_replaced[:-1] = columns.time[1:] == columns.time[:-1]
    last = np.flatnonzero(~is_replaced)
    kept = last[np.searchsorted(last, np.arange(len(columns)))]
    is_equal = have_equal_values(columns, columns[kept])
    changes += _removals(columns, "duplicate_removed", is_replaced & is_equal)
    changes += _removals(columns, "conflicting_row_removed", is_replaced & ~is_equal)
    return columns[last], changes


def _apart(columns: Columns, timeframe: Timeframe) -> tuple[Columns, list[Change]]:
    changes: list[Change] = []
    n_rows = len(columns)
    # Removing a bar can free the next one, so one bar of each run goes at a time.
    n_passes = 0
    while (faulty := overlaps(columns, timeframe)[0]).size:
        is_first = np.append(True, np.diff(faulty) > 1)
        n_overlaps = int(is_first.sum()) + len(changes)
        if n_overlaps > max(_MOST_OVERLAPS * n_rows, 1) or n_passes == _LONGEST_RUN:
            raise DataError(
                f"{n_overlaps:,} of {n_rows:,} bars or more open before the bar before "
                f"has closed: these are no {timeframe} bars; give the right --timeframe"
            )
        dropped = np.zeros(len(columns), dtype=np.bool_)
        dropped[faulty[is_first]] = True
        changes += _removals(columns, "overlapping_row_removed", dropped)
        columns = columns[np.flatnonzero(~dropped)]
        n_passes += 1
    return columns, changes


def _widened(columns: Columns) -> tuple[Columns, list[Change]]:
    prices = columns.prices()
    if not len(columns):
        return columns, []
    high, low = prices.max(axis=0), prices.min(axis=0)
    n_impossible = int(((high > columns.high) | (low < columns.low)).sum())
    if len(columns) >= _LEAST_BARS and n_impossible > _MOST_IMPOSSIBLE * len(columns):
        raise DataError(
            f"in {n_impossible:,} of {len(columns):,} bars high is below or low above "
            "another price: columns are taken for others; say which is which with "
            "--column"
        )
    changes = [
        *_edits(columns, "high_raised", columns.high, high),
        *_edits(columns, "low_lowered", columns.low, low),
    ]
    return _replaced(columns, high=high, low=low), changes


def _with_volume(columns: Columns) -> tuple[Columns, list[Change]]:
    volume = np.where(lacks_volume(columns), 0.0, columns.volume)
    changes = list(_edits(columns, "volume_set_to_zero", columns.volume, volume))
    return _replaced(columns, volume=volume), changes


def _replaced(columns: Columns, **arrays: FloatArray) -> Columns:
    fields = {name: getattr(columns, name) for name in columns.__dataclass_fields__}
    return Columns(**{**fields, **arrays})


def _removals(columns: Columns, kind: ChangeKind, where: BoolArray) -> Iterator[Change]:
    for at in np.flatnonzero(where).tolist():
        yield _change(columns, kind, at)


def _edits(
    columns: Columns, kind: ChangeKind, before: FloatArray, after: FloatArray
) -> Iterator[Change]:
    for at in np.flatnonzero(before != after).tolist():
        old = float(before[at])
        known = old if np.isfinite(old) else None
        yield _change(columns, kind, at, known, float(after[at]))


def _change(
    columns: Columns,
    kind: ChangeKind,
    at: int,
    before: float | None = None,
    after: float | None = None,
) -> Change:
    return Change(
        kind=kind,
        row=int(columns.row[at]),
        time=str(np.datetime_as_string(columns.time[at], unit="ms")),
        before=before,
        after=after,
    )
