"""Moments as text, UTC: for files, and for people."""

from datetime import datetime, timedelta

import numpy as np

from ktrdr.errors import InputError

_EPOCH = datetime(1970, 1, 1)


def to_iso(time: np.datetime64) -> str:
    """Return ``time`` such as ``2017-11-03T14:00:00Z``."""
    return f"{np.datetime_as_string(time, unit='s')}Z"


def to_minute(time: np.datetime64) -> str:
    """Return ``time`` for people, such as ``2017-11-03 14:00``."""
    return np.datetime_as_string(time, unit="m").replace("T", " ")


def from_iso(text: str) -> np.datetime64:
    """Return the moment that ``text`` names, in UTC, as datetime64[ms].

    Raises
    ------
    InputError
        If it is not a date or time in ISO 8601.

    Notes
    -----
    Text without an offset is UTC.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InputError(
            f"not a time: {text[:40]!r}; expected such as 2017-11-03T14:00"
        ) from None
    # Subtracted here, since a datetime can't leave the years 1 to 9999.
    offset = moment.utcoffset() or timedelta()
    since_epoch = moment.replace(tzinfo=None) - _EPOCH - offset
    return np.datetime64(since_epoch // timedelta(milliseconds=1), "ms")
