"""Copies of a remote store's blobs on this machine's disk."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from ktrdr.storage.digest import digest_of
from ktrdr.storage.files import FileEntry, Files

_BLOB = re.compile(r"blobs/[0-9a-f]{2}/([0-9a-f]{64})")
_UNFINISHED = ".unfinished"
# A write takes seconds; what is older was left behind by a process that died.
_ABANDONED_S = 3600.0


class CachedFiles:
    """Files whose blobs are kept on disk too: named by digest, checked when read.

    Blobs never change, so a copy with the right hash is the blob; records are always
    asked for. Any number of processes may share a folder: files appear whole, and
    the least recently used go first. A folder that can't be written is no cache and
    no error.

    Parameters
    ----------
    files : Files
        Where everything really is.
    folder : Path
        Where the copies are.
    most_bytes : int
        Most that the copies take together.
    """

    def __init__(self, files: Files, folder: Path, *, most_bytes: int) -> None:
        self._files = files
        self._folder = folder
        self._most_bytes = most_bytes

    @property
    def location(self) -> str:
        """Of the files that are copied."""
        return self._files.location

    def create(self, path: str, data: bytes) -> bool:
        """Write ``data`` unless ``path`` exists."""
        return self._files.create(path, data)

    def overwrite(self, path: str, data: bytes) -> None:
        """Write ``data``, and keep a copy of it if it is a blob."""
        self._files.overwrite(path, data)
        self._keep(path, data)

    def read(self, path: str) -> bytes:
        """Return what is at ``path``, from the disk if it is there whole."""
        found = self._find(path)
        if found is not None:
            return found
        data = self._files.read(path)
        self._keep(path, data)
        return data

    def read_start(self, path: str, n_bytes: int) -> bytes:
        """Return the first bytes of what is at ``path``."""
        return self._files.read_start(path, n_bytes)

    def size(self, path: str) -> int:
        """Return the number of bytes at ``path``."""
        return self._files.size(path)

    def list(self, folder: str) -> Iterator[FileEntry]:
        """Yield all files below ``folder``."""
        return self._files.list(folder)

    def delete(self, path: str) -> None:
        """Remove ``path`` and its copy."""
        self._files.delete(path)
        if digest := _digest_in(path):
            with suppress(OSError):
                (self._folder / digest).unlink()

    def _find(self, path: str) -> bytes | None:
        digest = _digest_in(path)
        if digest is None:
            return None
        copy = self._folder / digest
        with suppress(OSError):
            data = copy.read_bytes()
            if digest_of(data) == digest:
                os.utime(copy)  # Now the most recently used.
                return data
            copy.unlink()
        return None

    def _keep(self, path: str, data: bytes) -> None:
        digest = _digest_in(path)
        if digest is None or len(data) > self._most_bytes or digest_of(data) != digest:
            return
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._make_room(len(data))
            _write_whole(self._folder / digest, data)

    def _make_room(self, n_bytes: int) -> None:
        copies = []
        for copy in os.scandir(self._folder):
            with suppress(FileNotFoundError):  # Another process made room too.
                found = copy.stat()
                copies.append((found.st_mtime, found.st_size, copy.path))
        used = sum(size for _, size, _ in copies)
        oldest_write = time.time() - _ABANDONED_S
        for used_at, size, copied in sorted(copies):
            is_unfinished = copied.endswith(_UNFINISHED)
            is_abandoned = is_unfinished and used_at < oldest_write
            is_spare = not is_unfinished and used + n_bytes > self._most_bytes
            if is_abandoned or is_spare:
                with suppress(OSError):
                    os.unlink(copied)
                used -= size


def _digest_in(path: str) -> str | None:
    found = _BLOB.fullmatch(path)
    return found[1] if found else None


def _write_whole(path: Path, data: bytes) -> None:
    # Without fsync: what a power failure damages is fetched anew.
    with NamedTemporaryFile(
        dir=path.parent, prefix=path.name, suffix=_UNFINISHED, delete=False
    ) as file:
        try:
            file.write(data)
            file.close()
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise
