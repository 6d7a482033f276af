"""A new cluster: the folder that PostgreSQL keeps its databases in."""

import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from ktrdr.database.disk import sync_folder, write_private
from ktrdr.database.embedded.launching import Identity, run_as
from ktrdr.database.embedded.programs import MAJOR
from ktrdr.errors import DatabaseError, IncompatibleError, StorageError

OWNER = "ktrdr"
DATABASE = "ktrdr"
# What a new cluster takes, with room for the first work.
_NEEDED_MB = 80
_UNFINISHED = ".new-"


def make_cluster(
    folder: Path, programs: Path, identity: Identity, *, sync: bool = True
) -> None:
    """Make ``folder`` with ``data`` and ``password`` in it, whole or not at all.

    With ``sync`` that holds even if the machine crashes.
    """
    for left in folder.parent.glob(_UNFINISHED + "*"):
        # One that was killed may have left a program that still writes there.
        shutil.rmtree(left, ignore_errors=True)
    new = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder.parent))
    try:
        _fill(new, programs, identity)
        if sync:
            everything = ("-D", str(new / "data"), "--sync-only")
            _check(run_as(identity, programs / "initdb", *everything), new)
        new.rename(folder)
        sync_folder(folder.parent)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise


def _fill(new: Path, programs: Path, identity: Identity) -> None:
    (new / "log").mkdir(mode=0o700)
    write_private(new / "password", secrets.token_urlsafe(24))
    give_to(new, identity)
    data = str(new / "data")
    initdb, postgres = programs / "initdb", programs / "postgres"
    how = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions")
    secret = f"--pwfile={new / 'password'}"
    # Everything is written to disk once, when the database is in it as well.
    done = run_as(identity, initdb, "-D", data, "-U", OWNER, secret, *how, "--no-sync")
    _check(done, new)
    create = f"CREATE DATABASE {DATABASE};\n"
    single = ("--single", "-F", "-D", data, "template1")
    _check(run_as(identity, postgres, *single, text=create), new)


def _check(done: subprocess.CompletedProcess[str], new: Path) -> None:
    if done.returncode == 0 and "ERROR" not in done.stdout:
        return
    if "No space left" in done.stdout:
        raise no_space(new)
    said = "; ".join(done.stdout.strip().splitlines()[-5:])
    raise DatabaseError(f"PostgreSQL can't make its files in {new.parent}: {said}")


def no_space(folder: Path) -> StorageError:
    """Return the error that tells of a full disk."""
    free = shutil.disk_usage(folder).free / 1e6
    return StorageError(
        f"the disk of {folder} is full ({free:.0f} MB free): PostgreSQL needs "
        f"{_NEEDED_MB} MB to begin with; make room or set KTRDR_HOME to another disk"
    )


def check_cluster(folder: Path) -> None:
    """Raise unless ``folder`` holds a cluster of this major.

    Raises
    ------
    IncompatibleError, DatabaseError
        If it is of another major, or no cluster.
    """
    try:
        major = (folder / "data" / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise DatabaseError(
            f"{folder} holds no database of PostgreSQL, or a damaged one: move it "
            "away and restore a backup with `ktrdr db restore`"
        ) from None
    if major != str(MAJOR):
        raise IncompatibleError(
            f"{folder} was made by PostgreSQL {major}, this ktrdr brings PostgreSQL "
            f"{MAJOR}: make a backup with the ktrdr that made it (`ktrdr db backup`), "
            "move the folder away and run `ktrdr db restore`"
        )


def give_to(folder: Path, identity: Identity) -> None:
    """Make ``folder`` and all in it the identity's, unless it is already."""
    owner = identity.owner
    about = folder.stat()
    if (about.st_uid, about.st_gid) == owner:
        return
    for parent, folders, names in os.walk(folder):
        for name in (*folders, *names):
            os.chown(Path(parent, name), *owner, follow_symlinks=False)
    os.chown(folder, *owner)
