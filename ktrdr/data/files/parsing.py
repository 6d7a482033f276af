"""Columns of text to times: epochs, a given format, or whatever is written there."""

import re
from datetime import datetime

import numpy as np

from ktrdr.data.files.shapes import StampArray
from ktrdr.data.files.stamps import Stamps
from ktrdr.data.files.written import parse_written
from ktrdr.errors import DataError, InputError
from ktrdr.typing import FloatArray, IntArray

FIRST_YEAR, LAST_YEAR = 1900, 2199
_MS_PER_UNIT = {"s": 1e3, "ms": 1.0, "us": 1e-3, "ns": 1e-6}
_LARGEST_MS = 9e15


def parse_stamps(
    stamps: StampArray, rows: IntArray, time_format: str | None = None
) -> Stamps:
    """Return the times that ``stamps`` hold.

    Parameters
    ----------
    stamps : ndarray of bytes, shape (n_rows,)
        ASCII text, at least one row.
    rows : ndarray of int64, shape (n_rows,)
        Where each comes from, for messages.
    time_format : str, optional
        ``s``, ``ms``, ``us`` or ``ns`` for an epoch, else as for ``strptime``.

    Raises
    ------
    DataError
        If a stamp can't be read, lies outside 1900 to 2199 or could mean two days.
    InputError
        If ``time_format`` is none.
    """
    if time_format in _MS_PER_UNIT:
        parsed = epoch_stamps(_numbers(stamps, rows), time_format)
    elif time_format is not None:
        parsed = _from_format(stamps, rows, time_format)
    elif _is_epoch(stamps[0].decode()):
        parsed = epoch_stamps(_numbers(stamps, rows))
    else:
        parsed = parse_written(stamps, rows)
    refuse_other_centuries(parsed, rows)
    return parsed


def epoch_stamps(numbers: FloatArray, unit: str | None = None) -> Stamps:
    """Return epochs as times; without ``unit`` it is told by their size.

    Raises
    ------
    DataError
        If they seem to be in several units.
    """
    if unit is None:
        unit = _unit_of(float(np.abs(numbers).min()))
        largest = _unit_of(float(np.abs(numbers).max()))
        if unit != largest:
            raise DataError(
                f"times are epochs in more than one unit, {unit} and {largest}; "
                "import the parts one by one, or give --time-format s, ms, us or ns"
            )
    # A double holds an epoch in ns to 256 ns, and the others exactly.
    ms = np.clip(numbers * _MS_PER_UNIT[unit], -_LARGEST_MS, _LARGEST_MS)
    local = np.rint(ms).astype(np.int64)
    return Stamps(
        local_ms=local,
        offset_ms=np.zeros_like(local),
        has_clock=True,
        format=f"epoch in {unit}",
    )


def refuse_other_centuries(stamps: Stamps, rows: IntArray) -> None:
    """Raise DataError if a time lies outside 1900 to 2199."""
    years = stamps.local_ms.astype("datetime64[ms]").astype("datetime64[Y]")
    year = years.astype(np.int64) + 1970
    is_wrong = (year < FIRST_YEAR) | (year > LAST_YEAR)
    if is_wrong.any():
        at = int(np.argmax(is_wrong))
        raise DataError(
            f"row {rows[at]}: its time, read as {stamps.format}, is in the year "
            f"{year[at]}, outside {FIRST_YEAR} to {LAST_YEAR}; "
            "give the right --time-format"
        )


def _is_epoch(stamp: str) -> bool:
    # Eight digits are a date, and twelve or fourteen that begin like a year are date
    # and time of day.
    if not re.fullmatch(r"\d{9,19}(\.\d+)?", stamp):
        return False
    return not (len(stamp) in (12, 14) and stamp[:2] in ("19", "20"))


def _unit_of(number: float) -> str:
    for unit, limit in (("s", 1e11), ("ms", 1e14), ("us", 1e17)):
        if number < limit:
            return unit
    return "ns"


def _numbers(stamps: StampArray, rows: IntArray) -> FloatArray:
    try:
        numbers = stamps.astype(np.float64)
        if np.isfinite(numbers).all():
            return numbers
    except ValueError:
        pass
    for stamp, row in zip(stamps.tolist(), rows.tolist(), strict=True):
        if not re.fullmatch(rb"[+-]?\d{1,30}(\.\d*)?([eE]\+?\d{1,2})?", stamp):
            raise DataError(f"row {row}: {stamp.decode()!r} is no epoch")
    raise DataError("times hold numbers too large for an epoch")


def _from_format(stamps: StampArray, rows: IntArray, time_format: str) -> Stamps:
    if "%" not in time_format:
        raise InputError(
            f"--time-format {time_format!r}: expected s, ms, us or ns for an epoch, or "
            "a format such as '%d/%m/%Y %H:%M'"
        )
    moments = [
        _strptime(stamp.decode(), time_format, row)
        for stamp, row in zip(stamps.tolist(), rows.tolist(), strict=True)
    ]
    offsets = [moment.utcoffset() for moment in moments]
    known = [round(each.total_seconds() * 1000) for each in offsets if each is not None]
    if known and len(known) < len(offsets):
        raise DataError("some times tell their offset from UTC and others do not")
    local = [moment.replace(tzinfo=None) for moment in moments]
    return Stamps(
        local_ms=np.array(local, dtype="datetime64[ms]").astype(np.int64),
        offset_ms=np.array(known, dtype=np.int64) if known else None,
        has_clock=bool(re.search("%[HIcXTs]", time_format)),
        format=time_format,
    )


def _strptime(stamp: str, time_format: str, row: int) -> datetime:
    try:
        return datetime.strptime(stamp, time_format)
    except (ValueError, re.error) as error:
        raise DataError(f"row {row}: --time-format does not fit: {error}") from None
