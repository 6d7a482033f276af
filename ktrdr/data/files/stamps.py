"""Times as a file has them: what the clock showed, and where that clock hung."""

from dataclasses import dataclass

from ktrdr.typing import IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Stamps:
    """Times as written.

    Attributes
    ----------
    local_ms : ndarray of int64, shape (n_rows,)
        What the clock showed, in milliseconds since 1970.
    offset_ms : ndarray of int64 or None, shape (n_rows,)
        How far that clock was ahead of UTC; None if the text does not say.
    zone : str or None
        Name of the time zone that the text tells, if it does.
    has_clock : bool
        False if the text holds dates without a time of day.
    format : str
        In words.
    """

    local_ms: IntArray
    offset_ms: IntArray | None
    zone: str | None = None
    has_clock: bool
    format: str
