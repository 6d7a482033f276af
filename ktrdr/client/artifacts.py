"""The backend's artifact store, read over HTTP."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

from ktrdr.client.transport import Ask, Transport
from ktrdr.errors import InputError
from ktrdr.schemas import RecordKeys
from ktrdr.storage import ArtifactStore, CachedFiles, FileEntry, record_path

_BLOB = re.compile(r"blobs/[0-9a-f]{2}/([0-9a-f]{64})")
_RECORD = re.compile(r"records/(.+)\.json")


def artifacts_over_http(
    transport: Transport, *, cache: Path, cache_mb: int
) -> ArtifactStore:
    """Return the backend's store, to read; blobs are kept in the folder ``cache``."""
    files = HttpFiles(transport)
    return ArtifactStore(CachedFiles(files, cache, most_bytes=cache_mb * 10**6))


class HttpFiles:
    """Blobs and records by the backend's routes; nothing can be written."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def location(self) -> str:
        """URL of the backend."""
        return self._transport.url

    def read(self, path: str) -> bytes:
        """Return what is at ``path``, or raise NotFoundError."""
        if blob := _BLOB.fullmatch(path):
            return self._get(f"/store/blobs/{blob[1]}")
        if record := _RECORD.fullmatch(path):
            return self._get(f"/store/records/{quote(record[1])}")
        raise InputError(f"{path[:200]!r} is neither a blob nor a record of a store")

    def read_start(self, path: str, n_bytes: int) -> bytes:
        """Return the first ``n_bytes`` of what is at ``path``."""
        return self.read(path)[:n_bytes]

    def size(self, path: str) -> int:
        """Return the number of bytes at ``path``."""
        return len(self.read(path))

    def list(self, folder: str) -> Iterator[FileEntry]:
        """Yield the records below ``folder``; their sizes are not known, so 0."""
        root, _, rest = folder.partition("/")
        kind, *prefix = rest.split("/")
        if root != "records" or not kind:
            raise InputError(f"{folder[:200]!r} can't be listed: expected records/KIND")
        ask = Ask(
            path=f"/store/records/{quote(kind, safe='')}",
            parameters={"prefix": "/".join(prefix)},
        )
        for key in self._transport.read(RecordKeys, ask).keys:
            yield FileEntry(path=record_path(kind, key), size=0, modified_at=None)

    def create(self, path: str, data: bytes) -> bool:
        """Refuse."""
        self._refuse()

    def overwrite(self, path: str, data: bytes) -> None:
        """Refuse."""
        self._refuse()

    def delete(self, path: str) -> None:
        """Refuse."""
        self._refuse()

    def _get(self, path: str) -> bytes:
        return self._transport.send(Ask(path=path)).content

    def _refuse(self) -> NoReturn:
        raise InputError(
            f"the artifact store of {self.location} can only be read from here: run "
            "the command on a machine that reaches the store itself, without --url and "
            "KTRDR_API_URL"
        )
