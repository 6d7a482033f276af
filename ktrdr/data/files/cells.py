"""Cells of text as numbers, times and one symbol."""

import math
from collections.abc import Iterable

import numpy as np

from ktrdr.data.files.shapes import StampArray
from ktrdr.errors import DataError
from ktrdr.typing import FloatArray

MISSING_WORDS = frozenset({"", "null", "nan", "na", "n/a", "none", "-"})
_LONGEST_STAMP = 64


def numbers_of_text(cells: list[str], rows: list[int]) -> FloatArray:
    """Return cells as numbers, NaN where they say that there is none.

    Raises
    ------
    DataError
        If a cell is no number; the message tells its row.
    """
    try:
        return np.array(cells, dtype=np.float64)
    except ValueError:
        pairs = zip(cells, rows, strict=True)
        return np.array([_number(cell, row) for cell, row in pairs])


def stamps_of_text(times: list[str], rows: list[int]) -> StampArray:
    """Return cells as ASCII text; raise DataError, with its row, if one is not."""
    is_sound = "".join(times).isascii() and all(times)
    if not is_sound or max(map(len, times)) > _LONGEST_STAMP:
        for time, row in zip(times, rows, strict=True):
            if not time.isascii() or not 0 < len(time) <= _LONGEST_STAMP:
                raise DataError(f"row {row}: {time[:80]!r} is no time")
    return np.array(times, dtype=np.bytes_)


def the_symbol(found: Iterable[str]) -> str | None:
    """Return the one symbol of a file, None if it tells none.

    Raises
    ------
    DataError
        If there are several.
    """
    symbols = sorted(set(found) - {""})
    if len(symbols) > 1:
        names = ", ".join(symbols[:5]) + (", ..." if len(symbols) > 5 else "")
        raise DataError(
            f"the file holds {len(symbols)} symbols ({names}); import one file for each"
        )
    return symbols[0] if symbols else None


def _number(cell: str, row: int) -> float:
    if cell.strip().lower() in MISSING_WORDS:
        return math.nan
    try:
        # Nasdaq writes prices with the sign of their currency.
        return float(cell.strip().removeprefix("$"))
    except ValueError:
        raise DataError(f"row {row}: {cell[:80]!r} is no number") from None
