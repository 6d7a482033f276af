"""Backups: the whole database in one file."""

import os
import re
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ktrdr.database.admin import admin, major_of
from ktrdr.database.clients import Clients, clients_for
from ktrdr.database.disk import sync_folder
from ktrdr.database.schema import Applied
from ktrdr.errors import ConflictError, DatabaseError, IncompatibleError

_DUMPED_FROM = re.compile(r"Dumped from database version: (\d+)")
_MIGRATIONS = re.compile(r"^COPY ktrdr\.migrations .*?\n(.*?)^\\\.$", re.M | re.S)


@dataclass(frozen=True, kw_only=True)
class Backup:
    """A file that holds a database.

    Attributes
    ----------
    server_major : int
        Of the PostgreSQL that it was made from.
    applied : sequence of Applied
        The steps of its schema, in their order.
    """

    path: Path
    size_bytes: int
    server_major: int
    applied: Sequence[Applied]

    @property
    def schema(self) -> str:
        """Name of the newest step of its schema."""
        return self.applied[-1].name


def backup(url: str, path: Path) -> Backup:
    """Write the database to a new file, which is there whole or not at all.

    Raises
    ------
    ConflictError
        If the file exists.
    DatabaseError, StorageError
        If it can't be read or written.
    """
    _refuse_existing(path)
    with admin(url) as connection:
        clients = clients_for(major_of(connection))
    path.parent.mkdir(parents=True, exist_ok=True)
    # Private, as it holds what tokens are checked against.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    os.close(descriptor)
    new = Path(name)
    try:
        kind = ("--format=custom", "--no-owner", "--no-privileges")
        clients.run("pg_dump", *kind, f"--file={new}", url=url)
        read_backup(clients, new)
        _keep(new, path)
    finally:
        new.unlink(missing_ok=True)
    return read_backup(clients, path)


def _keep(new: Path, path: Path) -> None:
    with open(new, "rb") as file:
        os.fsync(file.fileno())
    _refuse_existing(path)
    new.rename(path)
    sync_folder(path.parent)


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise ConflictError(f"{path} exists: name another file or move it away")


def read_with(fitting: Sequence[Clients], path: Path) -> tuple[Clients, Backup]:
    """Return the first of several programs that can read a backup, and what it is.

    Raises
    ------
    DatabaseError, IncompatibleError
        If it is damaged, not ktrdr's, or made by programs newer than all of these.
    """
    *others, last = fitting
    for clients in others:
        with suppress(IncompatibleError):
            return clients, read_backup(clients, path)
    return last, read_backup(last, path)


def read_backup(clients: Clients, path: Path) -> Backup:
    """Read a backup to its end and return what it is.

    Raises
    ------
    DatabaseError, IncompatibleError
        If it is damaged, not ktrdr's, or made by programs newer than ``clients``.
    """
    try:
        contents = clients.run("pg_restore", "--list", str(path))
        # Finds damage anywhere in the file.
        clients.run("pg_restore", f"--file={os.devnull}", str(path))
    except DatabaseError as error:
        if "unsupported version" in str(error):
            raise IncompatibleError(
                f"{path} was made by a pg_dump newer than {clients.major}, the newest "
                "that is installed: install the client programs of the PostgreSQL that "
                "it comes from"
            ) from error
        raise DatabaseError(f"{path} is no backup or a damaged one: {error}") from error
    match = _DUMPED_FROM.search(contents)
    return Backup(
        path=path,
        size_bytes=path.stat().st_size,
        server_major=int(match[1]) if match else 0,
        applied=_applied_in(clients, path),
    )


def _applied_in(clients: Clients, path: Path) -> list[Applied]:
    which = ("--data-only", "--schema=ktrdr", "--table=migrations", "--file=-")
    match = _MIGRATIONS.search(clients.run("pg_restore", *which, str(path)))
    rows = [line.split("\t") for line in match[1].splitlines()] if match else []
    if not rows:
        raise DatabaseError(
            f"{path} holds a database without ktrdr's schema: was `ktrdr db upgrade` "
            "ever run on it?"
        )
    return sorted(
        (Applied(name=row[0], checksum=row[1], program=row[2]) for row in rows),
        key=lambda one: one.name,
    )
