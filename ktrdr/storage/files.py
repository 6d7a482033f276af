"""What an artifact store stands on: bytes under paths, wherever they lie."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """One file of a listing.

    Attributes
    ----------
    path : str
        Parts joined by slashes, none at either end.
    size : int
        Bytes.
    modified_at : datetime or None
        When it was last written, UTC; None if that can't be told.
    """

    path: str
    size: int
    modified_at: datetime | None


class Files(Protocol):
    """Bytes under paths such as ``records/models/momentum/000001.json``.

    A file appears whole or not at all. Every method raises StorageError when the
    place is out of reach or refuses; reading what is not there raises NotFoundError.
    """

    @property
    def location(self) -> str:
        """Folder or URL, for people; never with a secret."""

    def create(self, path: str, data: bytes) -> bool:
        """Write ``data`` unless ``path`` exists; tell whether it was written.

        Of several writers at the same moment, one is told True. False may also be
        told of one's own data, when an answer was lost on its way.
        """

    def overwrite(self, path: str, data: bytes) -> None:
        """Write ``data``, whatever is there."""

    def read(self, path: str) -> bytes:
        """Return what is at ``path``."""

    def read_start(self, path: str, n_bytes: int) -> bytes:
        """Return the first ``n_bytes`` of what is at ``path``, or all if fewer."""

    def size(self, path: str) -> int:
        """Return the number of bytes at ``path``."""

    def list(self, folder: str) -> Iterator[FileEntry]:
        """Yield all files below ``folder``, at any depth and in any order."""

    def delete(self, path: str) -> None:
        """Remove ``path``; that it is gone already is no error."""
