"""Market data as it crosses HTTP and the terminal's ``--json``."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from ktrdr.schemas.document import Document
from ktrdr.schemas.part import Part

TimeframeName = Literal["1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w"]
GapKindName = Literal["closed", "holiday", "unexpected"]

MOST_BARS = 100_000
# What fits into a request's body.
MOST_SENT_BARS = 20_000


class SnapshotUse(Part):
    """One timeframe's bars of one symbol, and where they came from.

    Attributes
    ----------
    digest : str
        Of the snapshot that was read. When ``is_resampled``, that snapshot has a
        shorter timeframe, from which the bars were made.
    source : str
        Where the snapshot's data came from.
    n_bars : int
        Bars, after resampling.
    start, end : str
        Opening times of the first and the last bar, ISO 8601.
    """

    symbol: str
    timeframe: str
    digest: str
    source: str
    is_resampled: bool
    n_bars: int
    start: str
    end: str


class SnapshotDocument(Document):
    """Stored bars, which never change.

    Attributes
    ----------
    digest : str
        SHA-256 of the Parquet file.
    start, end : datetime
        When the first bar opens and the last one closes, UTC.
    kind : str
        Imported from a file, the sample set, resampled from stored bars or made by
        a program.
    settings : dict of str to str
        How the source was read: layout, columns, time zone.
    notes : tuple of str
        What was assumed when it was read.
    quality : dict of str to int
        Findings of the quality check, before any repair, with their numbers.
    change_counts : dict of str to int
        Number of repairs of each kind.
    changes_digest : str or None
        Digest of the list of all repairs; None when there was none.
    """

    digest: str
    symbol: str
    timeframe: TimeframeName
    n_bars: int
    start: AwareDatetime
    end: AwareDatetime
    kind: Literal["file", "sample", "resampled", "made"]
    source: str
    source_digest: str | None
    imported_at: AwareDatetime
    settings: dict[str, str]
    notes: tuple[str, ...]
    quality: dict[str, int]
    change_counts: dict[str, int]
    changes_digest: str | None


class ChangeDocument(Document):
    """One thing that a repair did: in which row, at which time, to which value."""

    kind: str
    row: int
    time: str
    before: float | None
    after: float | None


class SnapshotDetail(SnapshotDocument):
    """Stored bars, with what a repair did to them."""

    changes: tuple[ChangeDocument, ...]


class GapDocument(Document):
    """A time without bars: from a close to the next opening, UTC.

    Attributes
    ----------
    n_missing : int
        Bars that were due, or would have been due on another day.
    """

    begin: str
    end: str
    n_missing: int


class GapsDocument(Document):
    """Gaps of one kind, longest first.

    Attributes
    ----------
    n_gaps, n_missing : int
        Of that kind, of which ``gaps`` holds the longest.
    """

    snapshot: SnapshotDocument
    calendar: str
    calendar_reason: str
    kind: GapKindName
    n_gaps: int
    n_missing: int
    gaps: tuple[GapDocument, ...]


class QualityDocument(Document):
    """What a check of bars found.

    Attributes
    ----------
    calendar, calendar_reason : str
        By which gaps were told apart, and why that one.
    faults, notices : dict of str to str
        Kind to what was found, in words; faults keep data from becoming bars.
    counts : dict of str to int
        Rows or gaps of every kind.
    unexpected_gaps : tuple of GapDocument
        The longest, at most 1,000.
    """

    n_rows: int
    timeframe: TimeframeName
    calendar: str
    calendar_reason: str
    faults: dict[str, str]
    notices: dict[str, str]
    counts: dict[str, int]
    unexpected_gaps: tuple[GapDocument, ...]


class ImportOptions(Document):
    """What is said about a file of bars; what is not said is found out.

    Attributes
    ----------
    name : str
        What the file is called; it may tell the symbol.
    column : tuple of str
        What columns are, each as ``open=NAME`` or ``open=NUMBER``; of time, date,
        open, high, low, close, volume, symbol.
    timezone : str or None
        Zone of times that do not tell theirs, such as America/New_York; else UTC.
    time_format : str or None
        s, ms, us or ns of an epoch, or such as ``%d/%m/%Y %H:%M``.
    labelled_by : str
        Whether times are those at which bars open or close.
    calendar : str or None
        By which gaps are told apart: 24/7, weekdays, fx or an exchange such as XNYS.
    repair : bool
        Repair faults, and tell each change.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)] = "upload"
    symbol: Annotated[str, Field(max_length=64)] | None = None
    timeframe: TimeframeName | None = None
    column: Annotated[
        tuple[Annotated[str, Field(max_length=200)], ...], Field(max_length=16)
    ] = ()
    timezone: Annotated[str, Field(max_length=64)] | None = None
    time_format: Annotated[str, Field(max_length=64)] | None = None
    labelled_by: Literal["open", "close"] = "open"
    calendar: Annotated[str, Field(max_length=64)] | None = None
    repair: bool = False


class ImportDocument(Document):
    """What an import came to.

    Attributes
    ----------
    is_new : bool
        False if the latest snapshot held the same bars already.
    notes : tuple of str
        What was assumed when the file was read.
    quality : QualityDocument
        Of the file as it was, before any repair.
    changes : tuple of ChangeDocument
        What was repaired; over HTTP the first 1,000, while the snapshot's
        ``change_counts`` count all.
    """

    snapshot: SnapshotDocument
    is_new: bool
    notes: tuple[str, ...]
    quality: QualityDocument
    changes: tuple[ChangeDocument, ...]


class StoredDocument(Document):
    """Bars that were made and stored, and what one should know about them."""

    snapshot: SnapshotDocument
    notes: tuple[str, ...]


class ResampleRequest(Document):
    """Make bars of a longer timeframe from stored ones.

    Attributes
    ----------
    timeframe : str or None
        The stored one; None is the shortest.
    """

    to: TimeframeName
    timeframe: TimeframeName | None = None


class BarColumns(Document):
    """Bars in columns, oldest first; times are opening times in ISO 8601, UTC."""

    time: tuple[str, ...]
    open: tuple[float, ...]
    high: tuple[float, ...]
    low: tuple[float, ...]
    close: tuple[float, ...]
    volume: tuple[float, ...]


class BarsPage(BarColumns):
    """Stored bars of one symbol.

    Attributes
    ----------
    n_bars : int
        Bars within the range asked for, of which this page holds some.
    next : str or None
        What to give as ``from`` to go on; None where the range ends here.
    """

    snapshot: SnapshotDocument
    n_bars: int
    next: str | None


_Price = Annotated[float, Field(gt=0)]
_Most = Field(min_length=1, max_length=MOST_SENT_BARS)


class BarsInput(Document):
    """Bars that are sent along, oldest first.

    Attributes
    ----------
    time : tuple of datetime
        Opening times; without an offset they are UTC.
    volume : tuple of float or None
        None is 0 in every bar.
    """

    time: Annotated[tuple[str, ...], _Most]
    open: Annotated[tuple[_Price, ...], _Most]
    high: Annotated[tuple[_Price, ...], _Most]
    low: Annotated[tuple[_Price, ...], _Most]
    close: Annotated[tuple[_Price, ...], _Most]
    volume: Annotated[tuple[Annotated[float, Field(ge=0)], ...], _Most] | None = None
