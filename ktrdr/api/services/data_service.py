"""Bars: imported, listed, read, checked, resampled."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from fastapi.concurrency import run_in_threadpool

from ktrdr.schemas import (
    BarsPage,
    GapKindName,
    GapsDocument,
    ImportDocument,
    ImportOptions,
    QualityDocument,
    ResampleRequest,
    SnapshotDetail,
    SnapshotDocument,
    StoredDocument,
)

if TYPE_CHECKING:
    from ktrdr.data import Bars, Calendar, QualityReport, Snapshot
    from ktrdr.storage import ArtifactStore

# What one answer holds; the store keeps all of them.
_MOST_CHANGES = 1_000


@asynccontextmanager
async def received(chunks: AsyncIterator[bytes]) -> AsyncIterator[Path]:
    """Write ``chunks`` to a file, which is gone afterwards."""
    with TemporaryDirectory(prefix="ktrdr-upload-") as folder:
        path = Path(folder) / "upload"
        with path.open("wb") as file:
            async for chunk in chunks:
                await run_in_threadpool(file.write, chunk)
        yield path


def import_upload(
    store: "ArtifactStore", path: Path, options: ImportOptions, most_bytes: int
) -> ImportDocument:
    """Read, check and store an uploaded file, of ``most_bytes`` when unpacked."""
    from ktrdr.data import (
        BarStore,
        ReadOptions,
        Timeframe,
        import_document,
        import_file,
        parse_columns,
    )

    said = ReadOptions(
        symbol=options.symbol,
        timeframe=None if options.timeframe is None else Timeframe(options.timeframe),
        columns=parse_columns(options.column),
        zone=options.timezone,
        time_format=options.time_format,
        labelled_by=options.labelled_by,
        most_bytes=most_bytes,
    )
    outcome = import_file(
        BarStore(store),
        path,
        said,
        name=options.name,
        calendar=_calendar(options.calendar),
        repaired=options.repair,
    )
    return import_document(outcome, most_changes=_MOST_CHANGES)


def store_sample(store: "ArtifactStore") -> StoredDocument:
    """Store the sample set that ships with ktrdr."""
    from ktrdr.data import BarStore, install_sample, snapshot_document

    snapshot = install_sample(BarStore(store))
    return StoredDocument(snapshot=snapshot_document(snapshot), notes=())


def list_snapshots(
    store: "ArtifactStore", *, show_all: bool, offset: int, limit: int
) -> list[SnapshotDocument]:
    """Return what is stored, by symbol and timeframe; only the newest by default."""
    from ktrdr.data import BarStore, snapshot_document

    snapshots = BarStore(store).list()
    if not show_all:
        newest = {(one.symbol, one.timeframe): one for one in snapshots}
        snapshots = list(newest.values())
    return [snapshot_document(one) for one in snapshots[offset : offset + limit]]


def show_snapshot(
    store: "ArtifactStore", symbol: str, timeframe: str | None
) -> SnapshotDetail:
    """Return where the newest bars of ``symbol`` came from and every repair made."""
    from ktrdr.data import BarStore, choose_snapshot, snapshot_detail

    bar_store = BarStore(store)
    snapshot = choose_snapshot(bar_store, symbol, timeframe)
    return snapshot_detail(snapshot, bar_store.changes(snapshot)[:_MOST_CHANGES])


def read_bars(
    store: "ArtifactStore",
    symbol: str,
    timeframe: str | None,
    *,
    start: str | None,
    end: str | None,
    last: int | None,
    limit: int,
) -> "tuple[Snapshot, Bars, Bars]":
    """Return the snapshot, its bars within the range, and those to show.

    These are the ``last`` of the range, or else its first ``limit``.
    """
    from ktrdr.data import BarStore, choose_snapshot, from_iso

    bar_store = BarStore(store)
    first, after = (None if one is None else from_iso(one) for one in (start, end))
    snapshot = choose_snapshot(bar_store, symbol, timeframe)
    within = bar_store.load(snapshot).between(first, after)
    return snapshot, within, within[:limit] if last is None else within[-last:]


def bars_page(snapshot: "Snapshot", within: "Bars", shown: "Bars") -> BarsPage:
    """Return ``shown`` as a page of ``within``."""
    from ktrdr.data import bar_columns, snapshot_document, time_texts

    is_end = not len(shown) or shown.time[-1] == within.time[-1]
    following = within.time.searchsorted(shown.time[-1:], side="right")
    return BarsPage(
        snapshot=snapshot_document(snapshot),
        n_bars=len(within),
        next=None if is_end else time_texts(within.time[following])[0],
        **dict(bar_columns(shown)),
    )


def bars_file(bars: "Bars", form: Literal["csv", "parquet"]) -> bytes:
    """Return ``bars`` as a file."""
    from ktrdr.data import bar_columns, bars_to_parquet

    if form == "parquet":
        return bars_to_parquet(bars)
    columns = dict(bar_columns(bars))
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def check(
    store: "ArtifactStore", symbol: str, timeframe: str | None, calendar: str | None
) -> QualityDocument:
    """Check stored bars: faults, and gaps told apart by the market's calendar."""
    from ktrdr.data import quality_document

    return quality_document(_checked(store, symbol, timeframe, calendar)[1])


def gaps(
    store: "ArtifactStore",
    symbol: str,
    timeframe: str | None,
    calendar: str | None,
    *,
    kind: GapKindName,
    limit: int,
) -> GapsDocument:
    """Return the longest gaps of one kind."""
    from ktrdr.data import gaps_document

    snapshot, report = _checked(store, symbol, timeframe, calendar)
    return gaps_document(snapshot, report, kind, limit)


def resample(
    store: "ArtifactStore", symbol: str, request: ResampleRequest
) -> StoredDocument:
    """Store bars of a longer timeframe, made of stored ones."""
    from ktrdr.data import (
        BarStore,
        Timeframe,
        choose_snapshot,
        resample_stored,
        snapshot_document,
    )

    bar_store = BarStore(store)
    base = choose_snapshot(bar_store, symbol, request.timeframe)
    outcome = resample_stored(bar_store, base, Timeframe(request.to))
    return StoredDocument(
        snapshot=snapshot_document(outcome.snapshot), notes=outcome.notes
    )


def _checked(
    store: "ArtifactStore", symbol: str, timeframe: str | None, calendar: str | None
) -> "tuple[Snapshot, QualityReport]":
    from ktrdr.data import BarStore, check_stored, choose_snapshot

    bar_store = BarStore(store)
    snapshot = choose_snapshot(bar_store, symbol, timeframe)
    return snapshot, check_stored(bar_store, snapshot, _calendar(calendar))


def _calendar(name: str | None) -> "Calendar | None":
    from ktrdr.data import calendar_named

    return None if name is None else calendar_named(name)
