"""What the backend holds while it runs: database, operations, artifact store."""

import asyncio
from dataclasses import asdict, dataclass
from threading import Lock
from typing import TYPE_CHECKING

from anyio import to_thread

from ktrdr.api.log import log
from ktrdr.build_info import WORKER_PROTOCOL, build_info
from ktrdr.database import Database, check_schema, database_url
from ktrdr.errors import DatabaseError, is_defect, message_of
from ktrdr.operations import Listener, Operations, WorkerRegistry, sweep_times
from ktrdr.settings import Settings

if TYPE_CHECKING:
    from ktrdr.storage import ArtifactStore

_RETRY_S = 1.0
_POOL_SIZE = 8


@dataclass(frozen=True, kw_only=True)
class _Connection:
    database: Database
    operations: Operations
    listener: Listener


class Backend:
    """The connections of one app; they come and go without the app.

    Parameters
    ----------
    config : Settings
        Which database, which store, when a worker counts as lost.

    ``run`` connects, and keeps at it while the database is away: then the
    properties raise DatabaseError and requests are answered with status 503.
    """

    def __init__(self, config: Settings) -> None:
        self.config = config
        # Set when the server is about to stop: endless answers end then.
        self.stopping = asyncio.Event()
        self._connection: _Connection | None = None
        self._reason = "the backend is starting"
        self._store: ArtifactStore | None = None
        self._store_lock = Lock()

    @property
    def is_connected(self) -> bool:
        """Whether the database was reached since the start, with its schema."""
        return self._connection is not None

    @property
    def database(self) -> Database:
        """The database."""
        return self._now().database

    @property
    def operations(self) -> Operations:
        """The operations in the database."""
        return self._now().operations

    @property
    def listener(self) -> Listener:
        """What tells of changes to operations."""
        return self._now().listener

    @property
    def store(self) -> "ArtifactStore":
        """The artifact store, opened at the first call; may take its time."""
        from ktrdr.storage import open_store

        with self._store_lock:
            if self._store is None:
                self._store = open_store(self.config.store_location)
            return self._store

    async def run(self) -> None:
        """Connect, and look after stalled operations, until cancelled."""
        while True:
            try:
                await self._connected()
            except Exception as error:
                # Nobody waits for this task: what ends it would end in silence.
                if is_defect(error):
                    log().exception("the backend lost its footing")
                self._tell(message_of(error))
            await asyncio.sleep(_RETRY_S)

    async def _connected(self) -> None:
        database = Database(
            self._url(), max_size=_POOL_SIZE, application_name="ktrdr-backend"
        )
        async with database, Listener(database) as listener:
            await check_schema(database)
            # In a checkout, git is asked.
            build = await to_thread.run_sync(build_info)
            await WorkerRegistry(database).announce_backend(
                {**asdict(build), "protocol": WORKER_PROTOCOL}
            )
            self._connection = _Connection(
                database=database, operations=Operations(database), listener=listener
            )
            log().info("the backend is connected", database=database.place)
            try:
                await self._sweep(self._connection.operations)
            finally:
                self._connection = None

    async def _sweep(self, operations: Operations) -> None:
        silent_for_s = self.config.stalled_after_s
        async for _ in sweep_times(silent_for_s):
            try:
                rescued = await operations.sweep(silent_for_s)
            except DatabaseError as error:
                log().warning(
                    "stalled operations can't be looked for", reason=str(error)
                )
            else:
                if rescued:
                    log().warning(
                        "operations of lost workers go on", operations=rescued
                    )

    def _url(self) -> str:
        given = self.config.database_url
        return database_url() if given is None else given.get_secret_value()

    def _now(self) -> _Connection:
        if self._connection is None:
            raise DatabaseError(f"{self._reason}; try again in a moment")
        return self._connection

    def _tell(self, reason: str) -> None:
        # Once, not every second.
        if reason != self._reason:
            log().warning("the database can't be used", reason=reason)
        self._reason = reason
