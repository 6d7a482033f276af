"""Snapshots of bars in the artifact store."""

from collections import Counter
from datetime import UTC, datetime

import numpy as np
from pydantic import TypeAdapter

from ktrdr.data.bars import Bars
from ktrdr.data.parquet import bars_from_parquet, bars_to_parquet
from ktrdr.data.provenance import Change, Provenance, Snapshot
from ktrdr.data.symbol import parse_symbol, symbol_key
from ktrdr.data.timeframe import Timeframe
from ktrdr.errors import DataError, InputError, NotFoundError
from ktrdr.storage import (
    ArtifactStore,
    canonical_json,
    complete_digest,
    digest_of,
    parse_record,
)

_KIND = "bars"
_CHANGES = TypeAdapter(tuple[Change, ...])
_KEY_DIGITS = 12
_SHOWN_NAMES = 20


class BarStore:
    """Bars by symbol and timeframe: each import is a new snapshot, none changes.

    A snapshot is a Parquet file named by its hash and a record under
    ``bars/<symbol>/<timeframe>/<imported at>-<digest>`` that says where it came
    from.
    """

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store

    def save(self, bars: Bars, provenance: Provenance) -> Snapshot:
        """Keep ``bars`` and return their snapshot.

        When the latest snapshot of that symbol and timeframe holds the same bars,
        it is returned as it is, and its file is mended if it was damaged.

        Raises
        ------
        InputError
            If the symbol is not written as ``parse_symbol`` writes it.
        DataError
            If there are no bars.
        """
        if parse_symbol(bars.symbol) != bars.symbol:
            raise InputError(
                f"bars of symbol {bars.symbol!r} can't be stored: "
                f"write it {parse_symbol(bars.symbol)!r}"
            )
        if not len(bars):
            raise DataError(f"{bars.symbol} {bars.timeframe}: there are no bars")
        data = bars_to_parquet(bars)
        latest = self.find(bars.symbol, bars.timeframe)
        if latest is not None and latest.digest == digest_of(data):
            # Written all the same, in case what is there was damaged.
            self._store.put(data)
            return latest
        snapshot = self._snapshot(bars, data, provenance)
        key = (*_folder(bars.symbol, bars.timeframe), _name(snapshot))
        self._store.put_record(_KIND, key, snapshot.model_dump(mode="json"))
        return snapshot

    def find(self, symbol: str, timeframe: Timeframe) -> Snapshot | None:
        """Return the newest snapshot, or None if there is none."""
        keys = self._store.list_records(_KIND, *_folder(symbol, timeframe))
        return self._read(keys[-1]) if keys else None

    def latest(self, symbol: str, timeframe: Timeframe) -> Snapshot:
        """Return the newest snapshot, or raise NotFoundError with what there is."""
        snapshot = self.find(symbol, timeframe)
        if snapshot is None:
            raise NotFoundError(
                f"no {timeframe} bars of {parse_symbol(symbol)} are stored; there are "
                f"{self._stored()}; import some with `ktrdr data import FILE`"
            )
        return snapshot

    def shortest(self, symbol: str) -> Snapshot:
        """Return the newest snapshot of the shortest timeframe stored of ``symbol``.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        keys = self._store.list_records(_KIND, symbol_key(symbol))
        timeframes = {Timeframe.parse(timeframe) for _, timeframe, _ in keys}
        if not timeframes:
            raise NotFoundError(
                f"no bars of {parse_symbol(symbol)} are stored; there are "
                f"{self._stored()}; import some with `ktrdr data import FILE`"
            )
        return self.latest(symbol, min(timeframes, key=lambda each: each.milliseconds))

    def get(self, digest: str) -> Snapshot:
        """Return the snapshot whose digest is or begins with ``digest``.

        Raises
        ------
        NotFoundError
            If there is none, or ``digest`` has fewer than 6 digits.
        ConflictError
            If several digests begin so.
        """
        keys = [
            key
            for key in self._store.list_records(_KIND)
            if key[-1].rpartition("-")[2].startswith(digest[:_KEY_DIGITS])
        ]
        by_digest = {snapshot.digest: snapshot for snapshot in map(self._read, keys)}
        found = complete_digest(digest, by_digest)
        if found is None:
            raise NotFoundError(
                f"no snapshot's digest begins with {digest[:64]!r}; "
                "`ktrdr data list` shows them"
            )
        return by_digest[found]

    def load(self, snapshot: Snapshot) -> Bars:
        """Return the bars of ``snapshot``.

        Raises
        ------
        NotFoundError, DataError
            If they are gone, or are not what the snapshot says.
        """
        bars = bars_from_parquet(self._store.get(snapshot.digest))
        found = (bars.symbol, bars.timeframe, len(bars))
        expected = (snapshot.symbol, snapshot.timeframe, snapshot.n_bars)
        if found != expected:
            raise DataError(
                f"snapshot {snapshot.digest} should hold {expected}, "
                f"but its file holds {found}"
            )
        return bars

    def changes(self, snapshot: Snapshot) -> tuple[Change, ...]:
        """Return all that a repair changed before ``snapshot`` was stored."""
        if snapshot.changes_digest is None:
            return ()
        return _CHANGES.validate_json(self._store.get(snapshot.changes_digest))

    def list(self) -> list[Snapshot]:
        """Return all snapshots: by symbol and timeframe, then oldest import first.

        Those whose records are damaged are left out.
        """
        return sorted(
            self._store.read_records(_KIND, Snapshot).values(),
            key=lambda one: (one.symbol, one.timeframe.milliseconds, one.imported_at),
        )

    def _snapshot(self, bars: Bars, data: bytes, provenance: Provenance) -> Snapshot:
        changes = [change.model_dump(mode="json") for change in provenance.changes]
        return Snapshot(
            digest=self._store.put(data),
            symbol=bars.symbol,
            timeframe=bars.timeframe,
            n_bars=len(bars),
            start=_moment(bars.time[0]),
            end=_moment(bars.close_time[-1]),
            change_counts=dict(Counter(change.kind for change in provenance.changes)),
            changes_digest=self._store.put(canonical_json(changes))
            if changes
            else None,
            **provenance.model_dump(exclude={"changes"}),
        )

    def _read(self, key: tuple[str, ...]) -> Snapshot:
        return self._store.get_record(_KIND, key, Snapshot)

    def _stored(self) -> str:
        keys = {key[:2] for key in self._store.list_records(_KIND)}
        shown = sorted(keys)[:_SHOWN_NAMES]
        newest = [self._store.list_records(_KIND, *key)[-1] for key in shown]
        names = [f"{one.symbol} {one.timeframe}" for one in map(self._read, newest)]
        more = len(keys) - len(names)
        names += [f"{more:,} more, which `ktrdr data list` shows"] if more else []
        return ", ".join(names) if names else "none at all"


def blobs_of_snapshot(store: ArtifactStore, path: str, record: bytes) -> list[str]:
    """Return what the snapshot recorded at ``path`` needs, or raise DataError."""
    snapshot = parse_record(record, Snapshot, path)
    return [snapshot.digest, *filter(None, [snapshot.changes_digest])]


def _folder(symbol: str, timeframe: Timeframe) -> tuple[str, str]:
    return symbol_key(symbol), str(timeframe)


def _name(snapshot: Snapshot) -> str:
    # Sorts by time of import; latest() relies on it.
    imported_at = snapshot.imported_at.astimezone(UTC)
    return f"{imported_at:%Y%m%dT%H%M%S.%fZ}-{snapshot.digest[:_KEY_DIGITS]}"


def _moment(time: np.datetime64) -> datetime:
    moment: datetime = time.astype("datetime64[ms]").item()
    return moment.replace(tzinfo=UTC)
