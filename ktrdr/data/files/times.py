"""Clock times of a file to UTC, saying what was assumed."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from ktrdr.data.files.stamps import Stamps
from ktrdr.data.zones import offsets_of, parse_zone
from ktrdr.errors import DataError, InputError
from ktrdr.typing import BoolArray, IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class UtcTimes:
    """Times in UTC, and where the knowledge comes from.

    Attributes
    ----------
    ms : ndarray of int64, shape (n_rows,)
    zone : str
        In words.
    note : str or None
        What the user should know about it.
    """

    ms: IntArray
    zone: str
    note: str | None


def to_utc(stamps: Stamps, rows: IntArray, zone: str | None) -> UtcTimes:
    """Return ``stamps`` in UTC.

    Parameters
    ----------
    stamps : Stamps
        Oldest first, as far as they are in order.
    rows : ndarray of int64, shape (n_rows,)
        Where each comes from, for messages.
    zone : str or None
        IANA name of the zone of times that do not tell theirs; UTC where None.

    Raises
    ------
    InputError
        If ``zone`` is unknown, or given though the times tell theirs or are dates.
    DataError
        If a time never was in that zone, or was twice and the order of rows does not
        tell which is meant.
    """
    if zone is not None and (stamps.offset_ms is not None or stamps.zone is not None):
        raise InputError(
            f"--timezone {zone} is not needed: the times in the file tell their zone "
            "or are an epoch; leave it out"
        )
    zone = zone or stamps.zone
    if stamps.offset_ms is not None:
        return UtcTimes(
            ms=stamps.local_ms - stamps.offset_ms, zone="told by the file", note=None
        )
    if not stamps.has_clock:
        return _dates(stamps, zone)
    if zone is None:
        note = "The file names no time zone: its times are taken as UTC (--timezone)."
        return UtcTimes(ms=stamps.local_ms, zone="UTC, assumed", note=note)
    place = parse_zone(zone)
    return UtcTimes(ms=_from_zone(stamps.local_ms, rows, place), zone=zone, note=None)


def _dates(stamps: Stamps, zone: str | None) -> UtcTimes:
    if zone is not None:
        raise InputError(
            f"--timezone {zone} can't apply: the file holds dates without a time of "
            "day, whose bars are labelled 00:00 UTC of their date; leave it out"
        )
    note = "The file holds dates without a time of day: bars are labelled 00:00 UTC."
    return UtcTimes(ms=stamps.local_ms, zone="UTC, dates only", note=note)


def _from_zone(local_ms: IntArray, rows: IntArray, zone: ZoneInfo) -> IntArray:
    offsets = offsets_of(local_ms, zone)
    if offsets.is_skipped.any():
        at = int(np.argmax(offsets.is_skipped))
        raise DataError(
            f"row {rows[at]}: {_text(local_ms[at])} never was in {zone.key}, where the "
            "clock was put forward then; is that the right --timezone?"
        )
    is_second = _is_second_time(local_ms, rows, offsets.is_repeated, zone)
    return local_ms - np.where(is_second, offsets.later, offsets.earlier)


def _is_second_time(
    local_ms: IntArray, rows: IntArray, is_repeated: BoolArray, zone: ZoneInfo
) -> BoolArray:
    # Within the hour that the clock shows twice, the row at which time steps back is
    # the first of the second hour. Without such a step, nothing tells.
    is_second = np.zeros_like(is_repeated)
    repeated = np.flatnonzero(is_repeated)
    if not repeated.size:
        return is_second
    for run in np.split(repeated, np.flatnonzero(np.diff(repeated) > 1) + 1):
        steps_back = np.flatnonzero(np.diff(local_ms[run]) <= 0)
        if len(steps_back) != 1:
            raise DataError(
                f"row {rows[run[0]]}: {_text(local_ms[run[0]])} was twice in "
                f"{zone.key}, where the clock was put back then, and the order of rows "
                "does not tell which is meant; export the file in UTC"
            )
        is_second[run[steps_back[0] + 1 :]] = True
    return is_second


def _text(local_ms: np.int64) -> str:
    return str(np.datetime_as_string(local_ms.astype("datetime64[ms]"), unit="s"))
