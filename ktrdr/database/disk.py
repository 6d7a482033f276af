"""Files that are on disk, whole, when a call returns."""

import os
import tempfile
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write a file that only its folder's owner reads, whole or not at all."""
    descriptor, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    with open(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if os.geteuid() == 0:
        about = path.parent.stat()
        os.chown(name, about.st_uid, about.st_gid)
    os.replace(name, path)


def sync_folder(folder: Path) -> None:
    """Write the names in ``folder`` to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
