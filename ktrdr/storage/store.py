"""The artifact store: immutable blobs named by their hash, and records about them."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, ObjectStore
from pydantic import BaseModel, ValidationError

from ktrdr.errors import (
    ConflictError,
    DataError,
    InputError,
    NotFoundError,
    StorageError,
)
from ktrdr.storage.digest import Digest, digest_of, parse_digest

RecordT = TypeVar("RecordT", bound=BaseModel)
_RECORD_PART = re.compile(r"[A-Za-z0-9=][A-Za-z0-9._=^-]{0,127}")


class ArtifactStore:
    """Immutable artifacts: written once, never changed, checked when read.

    Blobs are bytes at ``blobs/<first two digits>/<digest>``. Records are small
    JSON documents at ``records/<kind>/<key...>.json`` that say what a blob is;
    a record is written after the blobs it names, so what is listed is whole.

    Every method raises StorageError if the folder can't be read or written.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    @classmethod
    def in_folder(cls, folder: Path) -> "ArtifactStore":
        """Return a store in ``folder``, which is created if need be."""
        with _reached(f"the artifact store in {folder}"):
            return cls(LocalStore(prefix=folder, mkdir=True))

    def put(self, data: bytes) -> Digest:
        """Keep ``data`` and return its digest; what is there whole already stays."""
        digest = digest_of(data)
        path = blob_path(digest)
        if not self._create(path, data) and self._read(path, path) != data:
            # Not what its name says, so damaged: by the disk, or when power failed.
            with _reached(path):
                obstore.put(self._store, path, data, mode="overwrite")
        return digest

    def get(self, digest: Digest) -> bytes:
        """Return the blob named ``digest``.

        Raises
        ------
        NotFoundError
            If the store does not hold it.
        DataError
            If what the store holds does not have that digest.
        """
        data = self._read(blob_path(digest), f"artifact {digest}")
        if digest_of(data) != digest:
            raise DataError(
                f"artifact {digest} is damaged: its content hashes to "
                f"{digest_of(data)}; restore it from a backup or make it anew"
            )
        return data

    def size(self, digest: Digest) -> int:
        """Return the blob's length in bytes without reading it, or NotFoundError."""
        with _reached(f"artifact {digest}"):
            return int(obstore.head(self._store, blob_path(digest))["size"])

    def put_record(self, kind: str, key: tuple[str, ...], record: Any) -> None:
        """Keep ``record``, anything JSON can hold, under ``kind`` and ``key``.

        Raises
        ------
        ConflictError
            If a record of that key exists with other content.
        """
        path = _record_path(kind, key)
        data = canonical_json(record)
        if not self._create(path, data) and self._read(path, path) != data:
            raise ConflictError(f"record {path} exists already with other content")

    def get_record(
        self, kind: str, key: tuple[str, ...], form: type[RecordT]
    ) -> RecordT:
        """Return the record as a ``form``.

        Raises
        ------
        NotFoundError
            If the store does not hold it.
        DataError
            If it is not of that form.
        """
        path = _record_path(kind, key)
        data = self._read(path, f"{kind} {'/'.join(key)}")
        try:
            return form.model_validate_json(data)
        except ValidationError as error:
            raise DataError(
                f"{path} in the artifact store is damaged: "
                f"{error.errors()[0]['msg']}; restore it from a backup, or delete it "
                "and do without what it names"
            ) from None

    def list_records(self, kind: str, *prefix: str) -> list[tuple[str, ...]]:
        """Return the keys of all records of ``kind`` below ``prefix``, sorted.

        Files that somebody else put there, under names of no record, are left out.
        """
        root = "/".join(["records", kind, *prefix]) + "/"
        skip = len(f"records/{kind}/")
        with _reached(root):
            entries = obstore.list(self._store, prefix=root).collect()
        keys = (
            tuple(entry["path"][skip:].removesuffix(".json").split("/"))
            for entry in entries
            if entry["path"].endswith(".json")
        )
        return sorted(key for key in keys if all(map(_RECORD_PART.fullmatch, key)))

    def _create(self, path: str, data: bytes) -> bool:
        # Tells whether it was written: False when the path exists already.
        with _reached(path):
            try:
                obstore.put(self._store, path, data, mode="create")
            except AlreadyExistsError:
                return False
        return True

    def _read(self, path: str, what: str) -> bytes:
        with _reached(what):
            return obstore.get(self._store, path).bytes().to_bytes()


@contextmanager
def _reached(what: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise NotFoundError(f"{what} is not in the artifact store") from None
    except (BaseError, OSError) as error:
        # The library tells its own source below the first line.
        reason = str(error).partition("\n")[0]
        raise StorageError(f"{what} can't be read or written: {reason}") from error


def canonical_json(value: Any) -> bytes:
    """Return ``value`` as JSON whose bytes depend on its content alone."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return text.encode()


def blob_path(digest: str) -> str:
    """Return where in the store the blob named ``digest`` is."""
    return f"blobs/{parse_digest(digest)[:2]}/{digest}"


def _record_path(kind: str, key: tuple[str, ...]) -> str:
    for part in (kind, *key):
        if not _RECORD_PART.fullmatch(part):
            raise InputError(
                f"{part!r} can't name a record: expected 1 to 128 letters, digits "
                "or ._=^- that begin with a letter, digit or ="
            )
    return "/".join(["records", kind, *key]) + ".json"
