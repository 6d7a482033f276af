"""The database of a project: how far its schema is, backups of it, and back again."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ktrdr.cli.kinfra.compose import Container
from ktrdr.cli.kinfra.deploy.carried import CARRY_OVER, REMEMBER
from ktrdr.cli.kinfra.deploy.project import Project
from ktrdr.cli.kinfra.images.engine import Done, EngineError
from ktrdr.errors import (
    ConflictError,
    DatabaseError,
    IncompatibleError,
    NotFoundError,
    handling_of,
)

_SCHEMAS = """
SELECT nspname FROM pg_namespace
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY nspname
"""
# As PostgreSQL makes it; a dump does not hold what every database begins with.
_PUBLIC = """
CREATE SCHEMA public AUTHORIZATION pg_database_owner;
GRANT USAGE ON SCHEMA public TO PUBLIC;
"""
_END = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND backend_type = 'client backend'
"""
_QUIET = "SET client_min_messages = warning;\n"
# What still works on the old tables has short transactions.
_LOCK_WAIT = "SET lock_timeout = '60s';\n"
# Where its input ends, psql can't tell the end of the statements from a connection that
# broke. Only what came to here has happened.
_COMMIT = b"COMMIT;\n\\echo committed\n"
_RESTORING = "restoring"
_INCOMPATIBLE = handling_of(IncompatibleError()).exit_code


@dataclass(frozen=True, kw_only=True)
class SchemaFacts:
    """How far the database is.

    Attributes
    ----------
    schema : str or None
        Its newest step; None if it is empty.
    pending : tuple of str
        Steps that a release brings and the database has not seen.
    """

    schema: str | None
    pending: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A backup, and up to which operation it holds them.

    Attributes
    ----------
    last : int
        Number of the newest operation in it.
    """

    path: Path
    last: int


class DeployedDatabase:
    """The database that a service of the project runs, used by its own programs.

    Parameters
    ----------
    project : Project
    service : str
        Which runs PostgreSQL.
    """

    def __init__(self, project: Project, service: str) -> None:
        self._project = project
        self._service = service

    def back_up(self, path: Path) -> Saved:
        """Write the whole database to a new file, and read it to its end.

        Raises
        ------
        ConflictError
            If the file exists.
        EngineError
            If it can't be made; then it is not there.
        """
        if path.exists():
            raise ConflictError(f"{path} exists: name another file or move it away")
        last = self.last_operation()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Private from its first byte, as it holds what tokens are checked against.
        path.touch(mode=0o600)
        try:
            self._pour("pg_dump", "--format=custom", target=path)
            self._check(path)
        except BaseException:
            path.unlink()
            raise
        return Saved(path=path, last=last)

    def restore(self, saved: Saved, *, loses: bool = False) -> None:
        """Put back what a backup holds, all of it or nothing, in one transaction.

        What was taken back since stays so: revoked tokens, cancelled operations.

        Nobody has to leave before, but all connections end: before, as whoever is gone
        may have left a statement that still runs, and after, as what was prepared is
        for tables that are gone. Who is there makes new ones.

        Parameters
        ----------
        loses : bool
            Whether operations that were made since may be lost.

        Raises
        ------
        NotFoundError
            If the file is gone.
        ConflictError
            If operations would be lost that may not be.
        EngineError
            If it can't be loaded; nothing has changed then.
        """
        if not saved.path.is_file():
            raise NotFoundError(f"there is no backup {saved.path} any more")
        self.end_connections()
        if not loses:
            self.refuse_to_lose(saved)
        clear_restoring(saved.path.parent)
        folder = saved.path.parent / _RESTORING
        # Private, as the backup is.
        folder.mkdir(mode=0o700)
        try:
            self._load(saved.path, folder / "statements.sql", folder / "said.txt")
        finally:
            clear_restoring(saved.path.parent)
        self.end_connections()

    def end_connections(self) -> None:
        """End all connections but one's own."""
        self._query(_END)

    def last_operation(self) -> int:
        """Return the number of the newest operation; 0 if there is none."""
        return int(self._query("SELECT coalesce(max(seq), 0) FROM ktrdr.operations"))

    def newer_operations(self, saved: Saved) -> int:
        """Return how many operations were made since a backup."""
        where = f"WHERE seq > {saved.last}"
        return int(self._query(f"SELECT count(*) FROM ktrdr.operations {where}"))

    def refuse_to_lose(self, saved: Saved) -> None:
        """Do nothing, unless operations were made since a backup.

        Raises
        ------
        ConflictError
            If so.
        """
        newer = self.newer_operations(saved)
        if newer:
            raise ConflictError(
                f"{newer} operations were made since the backup {saved.path}, and a "
                "restore would lose them: repair the release and deploy it, or go back "
                "without them by `kinfra rollback --restore-database`; models and "
                "results stay in the store"
            )

    def _load(self, path: Path, script: Path, said: Path) -> None:
        self._pour_raw("pg_restore", "--file=-", source=path, target=script)
        statements = script.read_bytes()
        begin = f"BEGIN;\n{_QUIET}{_LOCK_WAIT}{REMEMBER}{self._emptying()}"
        script.write_bytes(begin.encode() + statements + CARRY_OVER.encode() + _COMMIT)
        how = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-")
        self._pour("psql", *how, source=script, target=said)
        if not said.read_bytes().endswith(b"committed\n"):
            raise EngineError(
                f"the connection to {self._service} broke while {path} was restored: "
                "nothing has changed; try again"
            )

    def _emptying(self) -> str:
        schemas = self._query(_SCHEMAS).split()
        drops = [f'DROP SCHEMA "{name}" CASCADE;\n' for name in schemas]
        made = _PUBLIC if "public" in schemas else ""
        return f"{''.join(drops)}{made}"

    def _check(self, path: Path) -> None:
        self._pour_raw("pg_restore", "--file=/dev/null", source=path)

    def _query(self, statement: str) -> str:
        container = self._container()
        command = ("psql", *_connection(container), "--no-psqlrc", "-Atc", statement)
        done = self._project.ask(container.identifier, *command)
        if done.code:
            raise DatabaseError(f"the database did not answer: {done.err.strip()}")
        return done.out.strip()

    def _pour(
        self,
        *command: str,
        source: Path | None = None,
        target: Path | None = None,
    ) -> None:
        program, *options = command
        connection = _connection(self._container())
        self._pour_raw(program, *connection, *options, source=source, target=target)

    def _pour_raw(
        self, *command: str, source: Path | None = None, target: Path | None = None
    ) -> None:
        container = self._container().identifier
        self._project.pour(container, *command, source=source, target=target)

    def _container(self) -> Container:
        found = self._project.containers(self._service)
        running = [one for one in found if one.state == "running"]
        if not running:
            raise EngineError(
                f"{self._service} does not run on {self._project.place}: start it, "
                "or look at its log for why it ended"
            )
        return running[0]


def clear_restoring(folder: Path) -> None:
    """Remove what a restore that was killed has left: the whole database as text."""
    shutil.rmtree(folder / _RESTORING, ignore_errors=True)


def schema_facts(project: Project, service: str, image: str) -> SchemaFacts:
    """Ask the release in ``image`` how far it finds the database.

    Raises
    ------
    IncompatibleError
        If the database is newer than this release.
    EngineError
        If it can't be asked.
    """
    done = project.run(service, image, "ktrdr", "db", "status", "--json")
    if done.code == _INCOMPATIBLE:
        raise IncompatibleError(_message(done))
    if done.code:
        raise EngineError(f"the database can't be asked for its schema: {_told(done)}")
    told = json.loads(done.out)
    return SchemaFacts(schema=told["schema"], pending=tuple(told["pending"]))


def run_job(project: Project, service: str, image: str, *command: str) -> None:
    """Run a service's own command, or another, to its end.

    Raises
    ------
    EngineError
        If it fails.
    """
    done = project.run(service, image, *command)
    if done.code:
        raise EngineError(f"{service} failed: {_told(done)}")


def _connection(container: Container) -> Sequence[str]:
    user = container.variables.get("POSTGRES_USER") or "postgres"
    name = container.variables.get("POSTGRES_DB") or user
    return ("--no-password", f"--username={user}", f"--dbname={name}")


def _message(done: Done) -> str:
    try:
        return str(json.loads(done.out)["error"]["message"])
    except (ValueError, KeyError):
        return _told(done)


def _told(done: Done) -> str:
    return (done.err or done.out).strip()[-1000:] or f"exit code {done.code}"
