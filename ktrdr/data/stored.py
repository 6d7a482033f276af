"""What is done with stored bars: chosen, checked, resampled."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from ktrdr.data.bar_store import BarStore
from ktrdr.data.calendar import Calendar
from ktrdr.data.columns import Columns
from ktrdr.data.moments import to_minute
from ktrdr.data.provenance import Provenance, Snapshot
from ktrdr.data.quality import QualityReport, check_quality
from ktrdr.data.resample import PartialBuckets, partial_buckets, resample
from ktrdr.data.timeframe import Timeframe
from ktrdr.errors import InputError


@dataclass(frozen=True, kw_only=True)
class ResampleOutcome:
    """Bars that were resampled and stored, and what the user should know."""

    snapshot: Snapshot
    notes: tuple[str, ...]


def choose_snapshot(
    bar_store: BarStore, symbol: str, timeframe: str | None
) -> Snapshot:
    """Return the newest snapshot of ``timeframe``, or of the shortest one stored.

    Raises
    ------
    NotFoundError
        If nothing of it is stored; tells what is.
    InputError
        If that can't be a symbol or a timeframe.
    """
    if timeframe is None:
        return bar_store.shortest(symbol)
    return bar_store.latest(symbol, Timeframe.parse(timeframe))


def check_stored(
    bar_store: BarStore, snapshot: Snapshot, calendar: Calendar | None = None
) -> QualityReport:
    """Check stored bars; see ``check_quality``."""
    return check_quality(
        Columns.of_bars(bar_store.load(snapshot)),
        snapshot.symbol,
        snapshot.timeframe,
        calendar=calendar,
        now=np.datetime64(datetime.now(UTC).replace(tzinfo=None), "ms"),
    )


def resample_stored(
    bar_store: BarStore, base: Snapshot, timeframe: Timeframe
) -> ResampleOutcome:
    """Make bars of a longer timeframe from those of ``base`` and store them.

    Raises
    ------
    InputError, DataError
        As ``resample`` does; also if ``base`` has that timeframe already.
    """
    if timeframe is base.timeframe:
        raise InputError(
            f"{base.symbol} is {timeframe} already; --to a longer timeframe"
        )
    bars = bar_store.load(base)
    notes = _partial_notes(partial_buckets(bars, timeframe), base, timeframe)
    provenance = Provenance(
        kind="resampled",
        source=f"{base.timeframe} bars, snapshot {base.digest[:12]}",
        source_digest=base.digest,
        imported_at=datetime.now(UTC),
        notes=notes,
    )
    snapshot = bar_store.save(resample(bars, timeframe), provenance)
    return ResampleOutcome(snapshot=snapshot, notes=notes)


def _partial_notes(
    partial: PartialBuckets, base: Snapshot, timeframe: Timeframe
) -> tuple[str, ...]:
    notes = []
    if partial.first is not None:
        first = to_minute(partial.first)
        notes.append(f"The first {timeframe} bar, {first}, lacks its beginning.")
    if partial.last is not None:
        last = to_minute(partial.last)
        notes.append(
            f"The last {timeframe} bar, {last}, is left out: {base.timeframe} bars end "
            "before it closes."
        )
    return tuple(notes)
