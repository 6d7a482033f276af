"""From a file to a snapshot: read, check, repair if asked to, store."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ktrdr.data.bar_store import BarStore
from ktrdr.data.calendar import Calendar
from ktrdr.data.columns import Columns
from ktrdr.data.provenance import Change, Provenance, Snapshot, SourceKind
from ktrdr.data.quality import QualityReport, check_quality
from ktrdr.data.reading import ReadFile, ReadOptions, read_file
from ktrdr.data.repair import repair
from ktrdr.errors import DataError


@dataclass(frozen=True, kw_only=True, eq=False)
class ImportOutcome:
    """What an import came to.

    Attributes
    ----------
    snapshot : Snapshot
    is_new : bool
        False if the latest snapshot held the same bars already.
    report : QualityReport
        Of the file as it was, before any repair.
    changes : tuple of Change
        What was repaired.
    notes : tuple of str
        What was assumed when the file was read.
    """

    snapshot: Snapshot
    is_new: bool
    report: QualityReport
    changes: tuple[Change, ...]
    notes: tuple[str, ...]


def import_file(
    bar_store: BarStore,
    path: Path,
    options: ReadOptions,
    *,
    name: str | None = None,
    calendar: Calendar | None = None,
    repaired: bool = False,
    now: datetime | None = None,
) -> ImportOutcome:
    """Read, check and store a CSV or Parquet file of bars.

    Parameters
    ----------
    bar_store : BarStore
    path : Path
    options : ReadOptions
        What the user says about the file; the rest is found out.
    name : str, optional
        What the file is called, where ``path`` does not tell.
    calendar : Calendar, optional
        Tells gaps apart; guessed where not given.
    repaired : bool
        Repair what has a repair. Each change is kept with the snapshot.
    now : datetime, optional
        Time of the import, UTC.

    Raises
    ------
    DataError
        If the file holds no bars, or faults that are not to be repaired or can't be.
    NotFoundError, InputError
        As ``read_file`` does.
    """
    moment = now or datetime.now(UTC)
    return store_columns(
        bar_store,
        read_file(path, options, name),
        kind="file",
        calendar=calendar,
        repaired=repaired,
        now=moment,
    )


def store_columns(
    bar_store: BarStore,
    file: ReadFile,
    *,
    kind: SourceKind,
    calendar: Calendar | None,
    repaired: bool,
    now: datetime,
) -> ImportOutcome:
    """Check and store what was read; see ``import_file``."""
    report = check_file(file, calendar=calendar, now=now)
    columns, changes = _faultless(file, report, calendar, repaired, now)
    provenance = Provenance(
        kind=kind,
        source=file.file_name,
        source_digest=file.digest,
        imported_at=now,
        settings={**file.settings, "calendar": report.calendar},
        notes=file.notes,
        quality=report.counts(),
        changes=changes,
    )
    bars = columns.to_bars(file.symbol, file.timeframe)
    latest = bar_store.find(bars.symbol, bars.timeframe)
    snapshot = bar_store.save(bars, provenance)
    return ImportOutcome(
        snapshot=snapshot,
        is_new=snapshot != latest,
        report=report,
        changes=changes,
        notes=file.notes,
    )


def check_file(
    file: ReadFile, *, calendar: Calendar | None, now: datetime
) -> QualityReport:
    """Check what was read from a file; see ``check_quality``."""
    return check_quality(
        file.columns,
        file.symbol,
        file.timeframe,
        calendar=calendar,
        now=np.datetime64(now.astimezone(UTC).replace(tzinfo=None), "ms"),
    )


def _faultless(
    file: ReadFile,
    report: QualityReport,
    calendar: Calendar | None,
    repaired: bool,
    now: datetime,
) -> tuple[Columns, tuple[Change, ...]]:
    if not report.faults:
        return file.columns, ()
    if not repaired:
        raise DataError(
            _complaint(file, report)
            + "\nNothing was imported. --repair repairs what it can and says each "
            "change; or mend the source."
        )
    columns, changes = repair(file.columns, file.timeframe)
    after = check_file(replace(file, columns=columns), calendar=calendar, now=now)
    if after.faults:
        raise DataError(
            _complaint(file, after) + "\nNothing was imported: these have no repair."
        )
    return columns, changes


def _complaint(file: ReadFile, report: QualityReport) -> str:
    faults = "\n  ".join(map(str, report.faults))
    return f"{file.file_name}: {file.symbol} {file.timeframe} is faulty\n  {faults}"
