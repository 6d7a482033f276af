"""Stored bars and what is known about them, for HTTP and ``--json``."""

from collections.abc import Sequence

import numpy as np

from ktrdr.data.bars import COLUMNS, Bars
from ktrdr.data.gaps import Gap, GapKind
from ktrdr.data.importing import ImportOutcome
from ktrdr.data.moments import from_iso
from ktrdr.data.provenance import Change, Snapshot
from ktrdr.data.quality import QualityReport
from ktrdr.data.symbol import parse_symbol
from ktrdr.data.timeframe import Timeframe
from ktrdr.schemas import (
    BarColumns,
    BarsInput,
    ChangeDocument,
    GapDocument,
    GapsDocument,
    ImportDocument,
    QualityDocument,
    SnapshotDetail,
    SnapshotDocument,
)
from ktrdr.typing import FloatArray, TimeArray

_MOST_GAPS = 1000


def snapshot_document(snapshot: Snapshot) -> SnapshotDocument:
    """Return ``snapshot`` as a document."""
    return SnapshotDocument.model_validate(snapshot.model_dump(mode="json"))


def snapshot_detail(snapshot: Snapshot, changes: Sequence[Change]) -> SnapshotDetail:
    """Return ``snapshot`` with what a repair did to it."""
    return SnapshotDetail.model_validate(
        {
            **snapshot.model_dump(mode="json"),
            "changes": [one.model_dump(mode="json") for one in changes],
        }
    )


def quality_document(report: QualityReport) -> QualityDocument:
    """Return what a quality check found as a document."""
    return QualityDocument(
        n_rows=report.n_rows,
        timeframe=report.timeframe.value,
        calendar=report.calendar,
        calendar_reason=report.calendar_reason,
        faults={str(one.kind): one.text for one in report.faults},
        notices={str(one.kind): one.text for one in report.notices},
        counts=report.counts(),
        unexpected_gaps=_gaps(report.gaps.of_kind("unexpected", _MOST_GAPS)),
    )


def gaps_document(
    snapshot: Snapshot, report: QualityReport, kind: GapKind, limit: int
) -> GapsDocument:
    """Return the longest gaps of one kind as a document."""
    return GapsDocument(
        snapshot=snapshot_document(snapshot),
        calendar=report.calendar,
        calendar_reason=report.calendar_reason,
        kind=kind,
        n_gaps=report.gaps.count(kind),
        n_missing=report.gaps.missing(kind),
        gaps=_gaps(report.gaps.of_kind(kind, limit)),
    )


def import_document(
    outcome: ImportOutcome, most_changes: int | None = None
) -> ImportDocument:
    """Return what an import came to as a document."""
    return ImportDocument(
        snapshot=snapshot_document(outcome.snapshot),
        is_new=outcome.is_new,
        notes=outcome.notes,
        quality=quality_document(outcome.report),
        changes=tuple(
            ChangeDocument.model_validate(one.model_dump(mode="json"))
            for one in outcome.changes[:most_changes]
        ),
    )


def time_texts(times: TimeArray) -> list[str]:
    """Return ``times`` in ISO 8601, to the millisecond."""
    return [f"{time}Z" for time in np.datetime_as_string(times, unit="ms").tolist()]


def none_for_nan(values: FloatArray) -> tuple[float | None, ...]:
    """Return ``values`` for JSON, which knows neither NaN nor infinity."""
    listed: list[float] = values.tolist()
    is_number = np.isfinite(values)
    if is_number.all():
        return tuple(listed)
    pairs = zip(listed, is_number.tolist(), strict=True)
    return tuple(value if known else None for value, known in pairs)


def bar_columns(bars: Bars) -> BarColumns:
    """Return ``bars`` in columns as a document."""
    columns = {name: tuple(getattr(bars, name).tolist()) for name in COLUMNS}
    return BarColumns(time=tuple(time_texts(bars.time)), **columns)


def bars_from_input(sent: BarsInput, symbol: str, timeframe: Timeframe) -> Bars:
    """Return bars that were sent along.

    Raises
    ------
    InputError
        If a time is not one.
    DataError
        If columns have different lengths, or are not bars.
    """
    n_bars = len(sent.time)
    volume = (0.0,) * n_bars if sent.volume is None else sent.volume
    columns = {
        name: np.array(volume if name == "volume" else getattr(sent, name))
        for name in COLUMNS
    }
    return Bars(
        symbol=parse_symbol(symbol),
        timeframe=timeframe,
        time=np.array([from_iso(text) for text in sent.time]),
        **columns,
    )


def _gaps(gaps: Sequence[Gap]) -> tuple[GapDocument, ...]:
    return tuple(
        GapDocument(begin=f"{gap.begin}Z", end=f"{gap.end}Z", n_missing=gap.n_missing)
        for gap in gaps
    )
