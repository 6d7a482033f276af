"""Run a backup's statements on a server that need not be the one it comes from."""

import os
import re
import tempfile
from pathlib import Path

from ktrdr.database.clients import Clients

# Servers note versions of columns in the columns' options, as 17.12 does. Their own
# pg_dump leaves that out, but others' do not know it, nor do other servers.
_NOTE = re.compile(rb"ALTER TABLE ONLY \S+ ALTER COLUMN \S+ SET \(pg_attver=\d+\);\n")


def load(clients: Clients, path: Path, url: str) -> None:
    """Load a backup into an empty database, all of it or nothing.

    Raises
    ------
    DatabaseError, StorageError
        If the server refuses a statement, or the disk for temporary files is full.
    """
    # Private, as the backup is.
    with tempfile.TemporaryDirectory(prefix="ktrdr-") as folder:
        script = Path(folder, "statements.sql")
        nobodys = ("--no-owner", "--no-privileges")
        clients.run("pg_restore", *nobodys, f"--file={script}", str(path))
        leave_out_notes(script)
        how = (
            "--no-psqlrc",
            "--quiet",
            "--set=ON_ERROR_STOP=1",
            "--single-transaction",
        )
        clients.run("psql", *how, f"--file={script}", url=url)


def leave_out_notes(script: Path) -> None:
    """Turn servers' notes about columns into comments, where they stand."""
    with script.open("r+b") as file:
        for line in iter(file.readline, b""):
            if line.startswith(b"COPY "):
                # From here on there are rows, whose text is anything.
                return
            if _NOTE.fullmatch(line):
                file.seek(-len(line), os.SEEK_CUR)
                file.write(b"--")
                file.seek(len(line) - 2, os.SEEK_CUR)
