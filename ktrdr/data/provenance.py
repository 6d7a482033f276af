"""Where bars came from and what was done to them."""

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, Field

from ktrdr.data.timeframe import Timeframe
from ktrdr.schemas import Part
from ktrdr.storage import Digest

ChangeKind = Literal[
    "row_without_price_removed",
    "row_moved",
    "duplicate_removed",
    "conflicting_row_removed",
    "overlapping_row_removed",
    "high_raised",
    "low_lowered",
    "volume_set_to_zero",
]
SourceKind = Literal["file", "sample", "resampled", "made"]


class Change(Part):
    """One thing that a repair did.

    Attributes
    ----------
    kind : str
        What was done.
    row : int
        Line of the source file, or row of a Parquet file, counted from 1.
    time : str
        Opening time of the bar, UTC, ISO 8601.
    before, after : float or None
        The value changed, or for ``row_moved`` the place among the rows; None where
        there was or is none.
    """

    kind: ChangeKind
    row: int
    time: str
    before: float | None = None
    after: float | None = None

    def __str__(self) -> str:
        what = self.kind.replace("_", " ")
        values = (
            ""
            if self.after is None
            else f": {_number(self.before)} -> {_number(self.after)}"
        )
        return f"row {self.row} ({self.time}): {what}{values}"


class Provenance(Part):
    """What is known about bars when they are stored.

    Attributes
    ----------
    kind : str
        Imported from a file, the sample set, resampled from stored bars or made by
        a program.
    source : str
        File name or what else names the source.
    source_digest : str or None
        SHA-256 of the file, or the digest of the snapshot that was resampled.
    imported_at : datetime
        When, UTC.
    settings : dict of str to str
        How the source was read: layout, columns, time zone.
    notes : tuple of str
        What the user was told about it.
    quality : dict of str to int
        Findings of the quality check, before any repair, with their numbers.
    changes : tuple of Change
        What a repair did.
    """

    kind: SourceKind
    source: str
    source_digest: str | None = None
    imported_at: AwareDatetime
    settings: dict[str, str] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
    quality: dict[str, int] = Field(default_factory=dict)
    changes: tuple[Change, ...] = ()


class Snapshot(Part):
    """Stored bars, which never change.

    Attributes
    ----------
    digest : str
        SHA-256 of the Parquet file.
    start, end : datetime
        When the first bar opens and the last one closes, UTC.
    change_counts : dict of str to int
        Number of repairs of each kind.
    changes_digest : str or None
        Digest of the list of all repairs; None when there was none.

    The others are those of ``Bars`` and ``Provenance``.
    """

    digest: Digest
    symbol: str
    timeframe: Timeframe
    n_bars: int
    start: AwareDatetime
    end: AwareDatetime
    kind: SourceKind
    source: str
    source_digest: str | None
    imported_at: AwareDatetime
    settings: dict[str, str]
    notes: tuple[str, ...]
    quality: dict[str, int]
    change_counts: dict[str, int]
    changes_digest: Digest | None

    def __str__(self) -> str:
        return (
            f"{self.symbol} {self.timeframe}: {self.n_bars:,} bars, "
            f"{_minutes(self.start)} to {_minutes(self.end)} UTC, "
            f"snapshot {self.digest[:12]}"
        )


def _minutes(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _number(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.15g}"
