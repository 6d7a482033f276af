"""Written times, such as 2024-01-31 09:30 or 31.01.2024 09:30:00.000, as numbers."""

import numpy as np

from ktrdr.data.files.shapes import Shape, StampArray, shapes_of
from ktrdr.data.files.stamps import Stamps
from ktrdr.errors import DataError
from ktrdr.typing import BoolArray, IntArray

# Kiribati is furthest ahead.
_LARGEST_OFFSET_MINUTES = 14 * 60
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()


def parse_written(stamps: StampArray, rows: IntArray) -> Stamps:
    """Return the times that ``stamps`` hold, in any order of day, month and year.

    Raises
    ------
    DataError
        If a stamp is no time, if day and month can't be told apart, or if some stamps
        tell their zone and others another or none.
    """
    shapes = shapes_of(stamps, rows)
    is_day_first = _is_day_first(shapes, stamps)
    local = np.empty(len(stamps), dtype=np.int64)
    offset = np.zeros(len(stamps), dtype=np.int64)
    kinds = set()
    for shape in shapes:
        shape_rows = rows[shape.positions]
        date = _date_ms(shape, is_day_first, shape_rows)
        local[shape.positions] = date + _clock_ms(shape, shape_rows)
        shape_offset = _offset_ms(shape, shape_rows)
        kinds.add((shape_offset is not None, shape.text("zone")))
        offset[shape.positions] = 0 if shape_offset is None else shape_offset
    if len(kinds) > 1:
        raise DataError(
            "some times tell their time zone and others another or none: rewrite them "
            "in one zone"
        )
    has_offset, zone = kinds.pop()
    return Stamps(
        local_ms=local,
        offset_ms=offset if has_offset else None,
        zone=zone,
        has_clock=any(shape.text("hour") for shape in shapes),
        format=_format_name(shapes[0], is_day_first),
    )


def _is_day_first(shapes: list[Shape], stamps: StampArray) -> bool | None:
    # None if no stamp has two numbers whose order is in question.
    firsts, seconds = _largest(shapes, "first"), _largest(shapes, "second")
    if firsts is None or seconds is None:
        return None
    if firsts > 12 and seconds > 12:
        raise DataError(
            "some dates have the day first and others the month: "
            "rewrite them in one order"
        )
    if firsts <= 12 and seconds <= 12:
        raise DataError(
            f"can't tell day from month: {stamps[0].decode()!r} could be either way, "
            "and so could all others; give --time-format, such as '%d/%m/%Y %H:%M' or "
            "'%m/%d/%Y %H:%M'"
        )
    return firsts > 12


def _largest(shapes: list[Shape], name: str) -> int | None:
    numbers = (shape.number(name) for shape in shapes)
    return max((int(each.max()) for each in numbers if each is not None), default=None)


def _date_ms(shape: Shape, is_day_first: bool | None, rows: IntArray) -> IntArray:
    names = ("month", "day")
    if shape.text("first"):
        names = ("second", "first") if is_day_first else ("first", "second")
    month, day = shape.number(names[0]), shape.number(names[1])
    if (name := shape.text("month_name")) is not None:
        month = np.full(len(rows), _month_number(name, int(rows[0])))
    year = shape.number("year")
    if year is None or month is None or day is None:
        raise DataError(f"row {rows[0]}: {shape.stamps[0].decode()!r} holds no date")
    _refuse((month < 1) | (month > 12), shape, rows, "has no month from 1 to 12")
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1)
    is_day = (day >= 1) & (days.astype("datetime64[M]") == months)
    _refuse(~is_day, shape, rows, "has no such day in its month")
    return days.astype("datetime64[ms]").astype(np.int64)


def _month_number(name: str, row: int) -> int:
    if name.lower() not in _MONTHS:
        raise DataError(f"row {row}: {name!r} is no month")
    return _MONTHS.index(name.lower()) + 1


def _clock_ms(shape: Shape, rows: IntArray) -> IntArray:
    hour, minute, seconds = (
        np.zeros(len(rows), dtype=np.int64) if part is None else part
        for part in map(shape.number, ("hour", "minute", "seconds"))
    )
    if half := shape.text("half"):
        _refuse((hour < 1) | (hour > 12), shape, rows, "has no hour from 1 to 12")
        hour = hour % 12 + (12 if half.lower() == "pm" else 0)
    is_wrong = (hour > 23) | (minute > 59) | (seconds > 59)
    _refuse(is_wrong, shape, rows, "is no time of day")
    ms = ((hour * 60 + minute) * 60 + seconds) * 1000
    fraction = shape.number("fraction")
    if fraction is None:
        return ms
    whole: IntArray = fraction * 1000 // 10 ** len(shape.match["fraction"])
    return ms + whole


def _offset_ms(shape: Shape, rows: IntArray) -> IntArray | None:
    if shape.text("utc"):
        return np.zeros(len(shape.positions), dtype=np.int64)
    hours, minutes = shape.number("zone_hours"), shape.number("zone_minutes")
    if hours is None:
        return None
    minutes = np.zeros_like(hours) if minutes is None else minutes
    in_minutes = hours * 60 + minutes
    is_wrong = (in_minutes > _LARGEST_OFFSET_MINUTES) | (minutes > 59)
    _refuse(is_wrong, shape, rows, "has an offset from UTC that no place has")
    sign = -1 if shape.text("sign") == "-" else 1
    return in_minutes * (sign * 60_000)


def _format_name(shape: Shape, is_day_first: bool | None) -> str:
    if is_day_first is not None:
        return "day first" if is_day_first else "month first"
    names = [
        name for name in ("year", "month", "month_name", "day") if shape.text(name)
    ]
    ordered = sorted(names, key=shape.match.start)
    return "-".join(ordered).replace("month_name", "month")


def _refuse(is_wrong: BoolArray, shape: Shape, rows: IntArray, why: str) -> None:
    if is_wrong.any():
        at = int(np.argmax(is_wrong))
        more = int(is_wrong.sum()) - 1
        others = f" (and {more:,} more)" if more else ""
        raise DataError(f"row {rows[at]}{others}: {shape.stamps[at].decode()!r} {why}")
