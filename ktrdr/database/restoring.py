"""Back from a backup to a database."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from ktrdr.database.address import name_of, place_of, with_name
from ktrdr.database.admin import (
    admin,
    drop_database,
    is_empty,
    major_of,
    make_database,
    rename_database,
    users_of,
)
from ktrdr.database.backups import Backup, read_with
from ktrdr.database.clients import Clients, fitting_clients
from ktrdr.database.database import Database
from ktrdr.database.loading import load
from ktrdr.database.schema import refuse_unknown, upgrade
from ktrdr.errors import (
    ConflictError,
    DatabaseError,
    IncompatibleError,
    NotFoundError,
)

# Where every server lets one connect to make other databases.
_MAINTENANCE = "postgres"


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What a restore did.

    Attributes
    ----------
    upgraded : list of str
        Steps that the backup lacked, applied after it.
    """

    backup: Backup
    upgraded: list[str]


@dataclass(frozen=True, kw_only=True)
class _Source:
    """A backup, the programs that load it, and the major of the server to load into."""

    backup: Backup
    clients: Clients
    server_major: int

    @property
    def majors(self) -> set[int]:
        return {self.backup.server_major, self.clients.major, self.server_major}


def restore(url: str, path: Path, *, replace: bool = False) -> Restored:
    """Load a backup into an empty database, then bring it to this program's schema.

    Parameters
    ----------
    replace : bool
        Whether a database that is not empty gives way. The backup is loaded beside
        it first, so that a failure leaves what was.

    Raises
    ------
    NotFoundError, ConflictError
        If there is no such file, or the database is not empty or in use.
    IncompatibleError
        If the backup is newer than this program, or of another major of PostgreSQL
        and does not load into this one.
    DatabaseError
        If it can't be read or loaded.

    Notes
    -----
    Majors decide nothing: what a backup needs, only the server can tell, and trying
    is safe.
    """
    if not path.is_file():
        raise NotFoundError(f"there is no file {path}")
    with admin(url) as connection:
        major, nothing_there = major_of(connection), is_empty(connection)
    clients, found = read_with(fitting_clients(major), path)
    refuse_unknown(found.applied, f"in {path}")
    source = _Source(backup=found, clients=clients, server_major=major)
    if nothing_there:
        return Restored(backup=found, upgraded=_load(source, url))
    if not replace:
        raise ConflictError(
            f"the database {place_of(url)} is not empty: with --replace the backup "
            "takes its place, and what is in it now is lost"
        )
    return Restored(backup=found, upgraded=_load_beside(source, url))


def _load(source: _Source, url: str) -> list[str]:
    try:
        load(source.clients, source.backup.path, url)
    except DatabaseError as error:
        if len(source.majors) == 1:
            raise
        raise IncompatibleError(
            f"{source.backup.path} comes from PostgreSQL {source.backup.server_major} "
            f"and did not load into {place_of(url)}, which is PostgreSQL "
            f"{source.server_major}: restore it into PostgreSQL {max(source.majors)} "
            f"or newer (programs of {source.clients.major}: {error})"
        ) from error
    return asyncio.run(_upgrade(url))


async def _upgrade(url: str) -> list[str]:
    async with Database(url, max_size=1, application_name="ktrdr db") as database:
        return await upgrade(database)


def _load_beside(source: _Source, url: str) -> list[str]:
    name = name_of(url)
    beside, old = f"{name}_restoring", f"{name}_replaced"
    with admin(with_name(url, _MAINTENANCE)) as connection:
        _refuse_if_used(connection, name)
        # What an interrupted restore may have left.
        drop_database(connection, beside)
        drop_database(connection, old)
        try:
            make_database(connection, beside)
            upgraded = _load(source, with_name(url, beside))
            _refuse_if_used(connection, name)
            with connection.transaction():
                rename_database(connection, name, old)
                rename_database(connection, beside, name)
        except BaseException:
            with suppress(psycopg.Error):
                drop_database(connection, beside)
            raise
        drop_database(connection, old)
    return upgraded


def _refuse_if_used(connection: psycopg.Connection, name: str) -> None:
    users = users_of(connection, name)
    if users:
        raise ConflictError(
            f"the database {name} is in use by {', '.join(users)}: stop it first, "
            "for example with `ktrdr down`"
        )
