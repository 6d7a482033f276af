"""Which database commands and servers of this machine use."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ktrdr.database.embedded import EmbeddedPostgres
from ktrdr.database.embedded.programs import wheel_folder
from ktrdr.errors import DatabaseError, NotFoundError
from ktrdr.settings import settings


def database_url() -> str:
    """Return the URL that the settings name, else that of the running server.

    Raises
    ------
    DatabaseError
        If there is neither.
    MissingExtraError
        If none is named and there can be none of ktrdr's own.
    """
    given = settings().database_url
    if given is not None:
        return given.get_secret_value()
    server = EmbeddedPostgres()
    if not server.is_running:
        # Told apart, as no waiting helps where nothing could be started.
        wheel_folder()
        raise DatabaseError(
            "no database is running: start ktrdr with `ktrdr up`, or set "
            "KTRDR_DATABASE_URL to a PostgreSQL of yours"
        )
    return server.url


@dataclass(frozen=True, kw_only=True)
class DatabaseUse:
    """A database that can be used now.

    Attributes
    ----------
    is_embedded : bool
        Whether it is ktrdr's own.
    was_running : bool
        Whether somebody else had started it.
    """

    url: str
    is_embedded: bool
    was_running: bool


@contextmanager
def database_in_use(*, make: bool = True) -> Iterator[DatabaseUse]:
    """Lend the database of this machine; an embedded one runs for that long only.

    Parameters
    ----------
    make : bool
        Whether to make an embedded one if there is none.

    Raises
    ------
    NotFoundError
        If there is none, nor shall be.
    MissingExtraError, DatabaseError, IncompatibleError, StorageError
        If the embedded one can't be started.
    """
    given = settings().database_url
    if given is not None:
        url = given.get_secret_value()
        yield DatabaseUse(url=url, is_embedded=False, was_running=True)
        return
    server = EmbeddedPostgres()
    if not make and not server.exists:
        raise NotFoundError(
            f"there is no database in {server.folder} yet: `ktrdr up` makes it"
        )
    started = server.start()
    try:
        yield DatabaseUse(url=server.url, is_embedded=True, was_running=not started)
    finally:
        if started:
            server.stop()
