"""The artifact store, read only: for commands on other machines."""

from typing import TYPE_CHECKING

from ktrdr.schemas import RecordKeys

if TYPE_CHECKING:
    from ktrdr.storage import ArtifactStore


def read_blob(store: "ArtifactStore", digest: str) -> bytes:
    """Return the blob named ``digest``, checked."""
    from ktrdr.storage import parse_digest

    return store.get(parse_digest(digest))


def list_records(store: "ArtifactStore", kind: str, prefix: str) -> RecordKeys:
    """Return the keys of all records of ``kind`` below ``prefix``, parts by slash."""
    from ktrdr.storage import record_path

    parts = tuple(prefix.split("/")) if prefix else ()
    # Refuses what can't be the beginning of a key.
    record_path(kind, parts)
    return RecordKeys(kind=kind, keys=tuple(store.list_records(kind, *parts)))


def read_record(store: "ArtifactStore", kind: str, key: str) -> bytes:
    """Return a record as it is stored, JSON."""
    return store.record_bytes(kind, tuple(key.split("/")))
