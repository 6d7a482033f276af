"""Times as text, grouped by shape: alike when all digits are made equal.

A shape is matched once; its fields then stand at the same places in all its rows.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ktrdr.errors import DataError
from ktrdr.typing import IntArray

StampArray = NDArray[np.bytes_]

_MOST_SHAPES = 200
_ZERO = ord("0")
_DATES = (
    r"(?P<year>\d{4})(?P<dash>[-./])(?P<month>\d{1,2})(?P=dash)(?P<day>\d{1,2})",
    r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
    r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})",
    r"(?P<first>\d{1,2})(?P<dash>[-/])(?P<second>\d{1,2})(?P=dash)(?P<year>\d{4})",
    r"(?P<day>\d{1,2})[- ](?P<month_name>[A-Za-z]{3})[- ](?P<year>\d{4})",
    r"(?P<month_name>[A-Za-z]{3}) (?P<day>\d{1,2}), (?P<year>\d{4})",
)
_CLOCKS = (
    "",
    r"(?:[T_-]|\s+)(?P<hour>\d{1,2}):(?P<minute>\d{2})"
    r"(?::(?P<seconds>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?: ?(?P<half>[AaPp][Mm]))?",
    r"[T ]?(?P<hour>\d{2})(?P<minute>\d{2})(?P<seconds>\d{2})?",
)
_ZONE = (
    r"(?: ?(?:UTC|GMT)?(?P<sign>[+-])(?P<zone_hours>\d{2}):?(?P<zone_minutes>\d{2})?"
    r"| ?(?P<utc>Z|UTC|GMT)| (?P<zone>[A-Za-z][A-Za-z_/+-]+))?"
)
_PATTERNS = tuple(
    re.compile(date + clock + _ZONE) for date in _DATES for clock in _CLOCKS
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Shape:
    """Rows whose text looks alike.

    Attributes
    ----------
    positions : ndarray of int64, shape (n_alike,)
        Positions among all rows.
    stamps : ndarray of bytes, shape (n_alike,)
    match : re.Match
        Of the first of these rows.
    """

    positions: IntArray
    stamps: StampArray
    match: re.Match[str]

    def number(self, name: str) -> IntArray | None:
        """Return the number in field ``name`` of each row; None without the field."""
        if self.text(name) is None:
            return None
        begin, end = self.match.span(name)
        digits = _codes(self.stamps)[:, begin:end].astype(np.int64) - _ZERO
        powers = 10 ** np.arange(end - begin - 1, -1, -1, dtype=np.int64)
        number: IntArray = digits @ powers
        return number

    def text(self, name: str) -> str | None:
        """Return field ``name`` of the first row, or None if the shape lacks it."""
        return self.match.groupdict().get(name)


def shapes_of(stamps: StampArray, rows: IntArray) -> list[Shape]:
    """Return ``stamps`` grouped by shape, in the order of their first rows.

    Raises
    ------
    DataError
        If a shape is unknown, or if there are very many.
    """
    codes = _codes(stamps)
    is_digit = (codes >= _ZERO) & (codes <= ord("9"))
    masked = np.where(is_digit, np.uint8(_ZERO), codes)
    if (masked == masked[0]).all():
        groups = [np.arange(len(stamps))]
    else:
        groups = _groups(np.frombuffer(masked.tobytes(), stamps.dtype))
    if len(groups) > _MOST_SHAPES:
        raise DataError(
            f"times are written in {len(groups):,} different ways, the first "
            f"{stamps[0].decode()!r}; give their --time-format"
        )
    groups.sort(key=lambda positions: int(positions[0]))
    return [
        Shape(
            positions=positions,
            stamps=stamps[positions],
            match=_match(stamps[positions[0]].decode(), int(rows[positions[0]])),
        )
        for positions in groups
    ]


def _groups(keys: StampArray) -> list[IntArray]:
    _, group = np.unique(keys, return_inverse=True)
    order = np.argsort(group, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(group[order])) + 1)


def _codes(stamps: StampArray) -> NDArray[np.uint8]:
    codes = np.frombuffer(stamps.tobytes(), np.uint8)
    return codes.reshape(len(stamps), stamps.dtype.itemsize)


def _match(stamp: str, row: int) -> re.Match[str]:
    for pattern in _PATTERNS:
        if match := pattern.fullmatch(stamp):
            return match
    raise DataError(
        f"row {row}: {stamp!r} is no time that is known here; expected such as "
        "2024-01-31 09:30:00, 31.01.2024 09:30, 20240131 093000 or an epoch; "
        "give its --time-format"
    )
