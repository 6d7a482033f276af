"""Whether the backend can do its work."""

import asyncio
import time

from anyio import to_thread

from ktrdr.api.backend import Backend
from ktrdr.database import check_schema
from ktrdr.errors import DatabaseError, IncompatibleError, KtrdrError
from ktrdr.schemas import PartHealth, ReadyDocument, SystemPart

# Whoever asks whether the backend is ready does not wait for long.
_WITHIN_S = 2.0
# A store far away is asked at most this often.
_STORE_EVERY_S = 10.0


class Health:
    """Finds out whether database, schema and store can be used."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._store: PartHealth | None = None
        self._store_asked_s = 0.0
        self._asking: asyncio.Task[PartHealth] | None = None

    async def ready(self) -> ReadyDocument:
        """Return what can be used and what can't, and why."""
        parts = (*await self._database(), await self._store_health())
        is_ready = all(part.is_ready for part in parts)
        return ReadyDocument(status="ready" if is_ready else "not_ready", parts=parts)

    async def _database(self) -> tuple[PartHealth, PartHealth]:
        try:
            database = self._backend.database
            async with asyncio.timeout(_WITHIN_S):
                async with database.connection() as connection:
                    await connection.execute("SELECT 1")
                schema = await self._schema()
        except TimeoutError:
            reason = f"the database did not answer within {_WITHIN_S:g} s"
            return _bad("database", reason), _bad("schema", "not known")
        except IncompatibleError as error:
            return _good("database"), _bad("schema", str(error))
        except DatabaseError as error:
            return _bad("database", str(error)), _bad("schema", "not known")
        return _good("database"), schema

    async def _schema(self) -> PartHealth:
        try:
            await check_schema(self._backend.database)
        except KtrdrError as error:
            return _bad("schema", str(error))
        return _good("schema")

    async def _store_health(self) -> PartHealth:
        now_s = time.monotonic()
        is_old = now_s - self._store_asked_s > _STORE_EVERY_S
        if self._store is None or not self._store.is_ready or is_old:
            self._store, self._store_asked_s = await self._ask_store(), now_s
        return self._store

    async def _ask_store(self) -> PartHealth:
        # However many ask, one thread waits for a store that keeps silent: threads
        # are few, and every route that reads the store needs one.
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._look_at_store())
        done, _ = await asyncio.wait({self._asking}, timeout=_WITHIN_S)
        if not done:
            return _bad("store", f"it did not answer within {_WITHIN_S:g} s")
        return self._asking.result()

    async def _look_at_store(self) -> PartHealth:
        try:
            await to_thread.run_sync(self._list_store, abandon_on_cancel=True)
        except KtrdrError as error:
            return _bad("store", str(error))
        return _good("store")

    def _list_store(self) -> None:
        # No records are of this kind: whether the store answers is all that counts.
        self._backend.store.list_records("health")


def without_reasons(document: ReadyDocument) -> ReadyDocument:
    """Return what may be told to whoever has not logged in."""
    parts = tuple(part.model_copy(update={"reason": None}) for part in document.parts)
    return document.model_copy(update={"parts": parts})


def _good(name: SystemPart) -> PartHealth:
    return PartHealth(name=name, is_ready=True)


def _bad(name: SystemPart, reason: str) -> PartHealth:
    return PartHealth(name=name, is_ready=False, reason=reason)
