"""Scratch folders: files of running attempts, gone when they end."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ktrdr.errors import InputError
from ktrdr.processes import is_alive


class Scratch:
    """The folder of this process's attempts below a root that processes share.

    Its name tells host and process, so that the next process can remove what a
    killed one left.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder: Path | None = None

    def open(self) -> None:
        """Make the folder; remove those of processes that are gone.

        Raises
        ------
        InputError
            If it can't be made.
        """
        try:
            self._make()
        except OSError as error:
            raise InputError(
                f"files of running work can't be kept in {self._root}: "
                f"{error.strerror}; let KTRDR_HOME name a folder that this user may "
                "write to, in a container a volume of theirs"
            ) from None

    def _make(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        for folder in self._root.glob(f"{socket.gethostname()}-*-*"):
            if _is_abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)
        prefix = f"{socket.gethostname()}-{os.getpid()}-"
        self._folder = Path(tempfile.mkdtemp(prefix=prefix, dir=self._root))

    def close(self) -> None:
        """Remove the folder."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    @contextmanager
    def folder(self, name: str) -> Iterator[Path]:
        """Lend a folder of that name, removed afterwards."""
        if self._folder is None:
            raise RuntimeError("scratch folders are opened before they are lent")
        folder = self._folder / name
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(folder: Path) -> bool:
    pid = folder.name.rsplit("-", 2)[1]
    # In a container each process may get the same number; the one before is gone.
    return pid.isdigit() and (int(pid) == os.getpid() or not is_alive(int(pid)))
