"""The artifact store: immutable blobs named by their hash, and records about them."""

import json
import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ktrdr.errors import ConflictError, DataError, InputError, NotFoundError
from ktrdr.storage.digest import Digest, digest_of, parse_digest
from ktrdr.storage.files import Files
from ktrdr.storage.locations import is_remote, open_files

RecordT = TypeVar("RecordT", bound=BaseModel)
Key = tuple[str, ...]
# A remote store answers each in milliseconds, and many at once.
_READERS = 8
_LOG = logging.getLogger(__name__)
_RECORD_PART = re.compile(r"[A-Za-z0-9=][A-Za-z0-9._=^-]{0,127}")


class ArtifactStore:
    """Immutable artifacts: written once, never changed, checked when read.

    Blobs are bytes at ``blobs/<first two digits>/<digest>``. Records are small
    JSON documents at ``records/<kind>/<key...>.json`` that say what a blob is;
    a record is written after the blobs it names, so what is listed is whole.

    Every method raises StorageError if the place can't be read or written.
    """

    def __init__(self, files: Files) -> None:
        self._files = files

    @classmethod
    def open(
        cls, location: str, *, cache: Path | None = None, cache_mb: int = 2048
    ) -> "ArtifactStore":
        """Return the store at ``location``.

        Parameters
        ----------
        location : str
            A folder, which is created if need be, or a URL: ``file:///folder``,
            ``s3://bucket/prefix``, ``gs://bucket/prefix``, ``az://container/prefix``.
        cache : Path or None
            Folder that keeps copies of blobs read from a remote store.
        cache_mb : int
            Most that it keeps, in MB.

        Raises
        ------
        InputError
            If ``location`` is none of these.
        """
        return cls(open_files(location, cache=cache, cache_mb=cache_mb))

    @classmethod
    def in_folder(cls, folder: Path) -> "ArtifactStore":
        """Return a store in ``folder``, which is created if need be."""
        return cls.open(str(folder))

    @property
    def location(self) -> str:
        """Folder or URL, for people."""
        return self._files.location

    @property
    def files(self) -> Files:
        """What the store stands on."""
        return self._files

    def put(self, data: bytes) -> Digest:
        """Keep ``data`` and return its digest.

        It is written even where it is already: what was damaged is whole again, and
        what nothing refers to yet is young again, so that no `gc` takes it.
        """
        digest = digest_of(data)
        self._files.overwrite(blob_path(digest), data)
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
        try:
            return self._files.size(blob_path(digest))
        except NotFoundError:
            raise _missing(f"artifact {digest}") from None

    def put_record(self, kind: str, key: Key, record: Any) -> None:
        """Keep ``record``, anything JSON can hold, under ``kind`` and ``key``.

        Raises
        ------
        ConflictError
            If a record of that key exists with other content.
        """
        self.put_record_bytes(kind, key, canonical_json(record))

    def put_record_bytes(self, kind: str, key: Key, data: bytes) -> None:
        """Keep a record as ``record_bytes`` gave it; else as ``put_record``."""
        path = record_path(kind, key)
        if not self._files.create(path, data) and self._files.read(path) != data:
            raise ConflictError(f"record {path} exists already with other content")

    def put_once(
        self, kind: str, key: Key, record: Any, form: type[RecordT]
    ) -> RecordT:
        """Keep ``record`` unless there is one; return the one that stands.

        However many try at once, all are given the same.

        Raises
        ------
        DataError
            If the one that stands is not of that form.
        """
        self._files.create(record_path(kind, key), canonical_json(record))
        return self.get_record(kind, key, form)

    def get_record(self, kind: str, key: Key, form: type[RecordT]) -> RecordT:
        """Return the record as a ``form``.

        Raises
        ------
        NotFoundError
            If the store does not hold it.
        DataError
            If it is not of that form.
        """
        data = self.record_bytes(kind, key)
        return parse_record(data, form, record_path(kind, key))

    def record_bytes(self, kind: str, key: Key) -> bytes:
        """Return the record as it is stored, or raise NotFoundError."""
        return self._read(record_path(kind, key), f"{kind} {'/'.join(key)}")

    def delete_record(self, kind: str, key: Key) -> None:
        """Forget the record; its blobs stay until `gc`, unless others name them."""
        self._files.delete(record_path(kind, key))

    def list_records(self, kind: str, *prefix: str) -> list[Key]:
        """Return the keys of all records of ``kind`` below ``prefix``, sorted.

        Files that somebody else put there, under names of no record, are left out.
        """
        skip = len(f"records/{kind}/")
        entries = self._files.list("/".join(["records", kind, *prefix]))
        keys = (
            tuple(entry.path[skip:].removesuffix(".json").split("/"))
            for entry in entries
            if entry.path.endswith(".json")
        )
        return sorted(key for key in keys if all(map(_RECORD_PART.fullmatch, key)))

    def read_records(
        self,
        kind: str,
        form: type[RecordT],
        only: Callable[[Key], bool] = lambda key: True,
    ) -> dict[Key, RecordT]:
        """Return all records of ``kind`` by their keys, in the order of the keys.

        ``only`` tells by its key whether a record is wanted.

        A damaged one is left out with a warning, so that it doesn't take the whole
        list with it; one that is deleted meanwhile is left out silently.
        """
        keys = list(filter(only, self.list_records(kind)))
        with ThreadPoolExecutor(_READERS) as readers:
            found = readers.map(lambda key: self._read_or_warn(kind, key, form), keys)
            pairs = zip(keys, found, strict=True)
            return {key: record for key, record in pairs if record is not None}

    def _read_or_warn(self, kind: str, key: Key, form: type[RecordT]) -> RecordT | None:
        try:
            return self.get_record(kind, key, form)
        except DataError as error:
            _LOG.warning("Left out: %s", error)
        except NotFoundError:
            pass
        return None

    def _read(self, path: str, what: str) -> bytes:
        try:
            return self._files.read(path)
        except NotFoundError:
            raise _missing(what) from None


def open_store(location: str) -> ArtifactStore:
    """Return the store at ``location``; a remote one behind the settings' cache.

    Raises
    ------
    InputError
        If ``location`` is neither a folder nor a URL of a known kind.
    """
    if not is_remote(location):
        return ArtifactStore.open(location)
    from ktrdr.settings import settings

    return ArtifactStore.open(
        location, cache=settings().cache_path, cache_mb=settings().cache_mb
    )


def parse_record(data: bytes, form: type[RecordT], path: str) -> RecordT:
    """Return the record that lies at ``path`` as a ``form``, or raise DataError."""
    try:
        return form.model_validate_json(data)
    except ValidationError as error:
        raise DataError(
            f"{path} in the artifact store is damaged: "
            f"{error.errors()[0]['msg']}; restore it from a backup, or delete it "
            "and do without what it names"
        ) from None


def _missing(what: str) -> NotFoundError:
    return NotFoundError(f"{what} is not in the artifact store")


def canonical_json(value: Any) -> bytes:
    """Return ``value`` as JSON whose bytes depend on its content alone."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return text.encode()


def blob_path(digest: str) -> str:
    """Return where in the store the blob named ``digest`` is."""
    return f"blobs/{parse_digest(digest)[:2]}/{digest}"


def record_path(kind: str, key: Key) -> str:
    """Return where in the store the record is, or raise InputError."""
    for part in (kind, *key):
        if not _RECORD_PART.fullmatch(part):
            raise InputError(
                f"{part!r} can't name a record: expected 1 to 128 letters, digits "
                "or ._=^- that begin with a letter, digit or ="
            )
    return "/".join(["records", kind, *key]) + ".json"
