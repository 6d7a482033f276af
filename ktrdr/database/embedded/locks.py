"""Locks on files, which the system releases when their holder dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ktrdr.errors import DatabaseError

_PAUSE_S = 0.01


@contextmanager
def exclusive(path: Path, timeout_s: float) -> Iterator[None]:
    """Hold the lock ``path``, waiting for others to let go of it.

    Raises
    ------
    DatabaseError
        If they have not after ``timeout_s``.
    """
    held = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + timeout_s
        while not _try(held, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise DatabaseError(
                    f"another process has been starting or stopping PostgreSQL for "
                    f"{timeout_s:.0f} s and holds {path}: end it and try again"
                )
            time.sleep(_PAUSE_S)
        yield
    finally:
        os.close(held)


def is_held(path: Path) -> bool:
    """Return whether a process holds the lock ``path``."""
    try:
        probe = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that two that look at once do not take each other for a holder.
        return not _try(probe, fcntl.LOCK_SH)
    finally:
        os.close(probe)


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
