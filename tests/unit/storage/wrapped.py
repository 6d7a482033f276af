"""Files whose calls can be watched and made to fail."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

from ktrdr.storage import FileEntry, Files


class WrappedFiles:
    """Passes everything on; ``before`` is told each call, and may raise."""

    def __init__(
        self,
        files: Files,
        before: Callable[[str, str], None] = lambda method, path: None,
        *,
        age: timedelta = timedelta(),
    ) -> None:
        self.files = files
        self.before = before
        self.age = age

    @property
    def location(self) -> str:
        return self.files.location

    def create(self, path: str, data: bytes) -> bool:
        self.before("create", path)
        return self.files.create(path, data)

    def overwrite(self, path: str, data: bytes) -> None:
        self.before("overwrite", path)
        self.files.overwrite(path, data)

    def read(self, path: str) -> bytes:
        self.before("read", path)
        return self.files.read(path)

    def read_start(self, path: str, n_bytes: int) -> bytes:
        self.before("read_start", path)
        return self.files.read_start(path, n_bytes)

    def size(self, path: str) -> int:
        self.before("size", path)
        return self.files.size(path)

    def list(self, folder: str) -> Iterator[FileEntry]:
        self.before("list", folder)
        for entry in self.files.list(folder):
            moment = entry.modified_at
            yield replace(entry, modified_at=moment and moment - self.age)

    def delete(self, path: str) -> None:
        self.before("delete", path)
        self.files.delete(path)
