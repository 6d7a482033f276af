"""Hearing at once that something happened to an operation.

One connection listens for a whole process, however many follow. What is missed
while the server is away is made up for: everybody is woken when it is back.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

from psycopg import AsyncConnection, OperationalError

from ktrdr.database import Database
from ktrdr.errors import DatabaseError

CHANNEL = "ktrdr_operations"
_SHORTEST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0

_Listening = AsyncConnection[tuple[Any, ...]]


class Subscription:
    """Remembers whether something was told about an operation."""

    def __init__(self) -> None:
        self._told = asyncio.Event()

    def tell(self) -> None:
        """Wake whoever waits."""
        self._told.set()

    def clear(self) -> None:
        """Forget what was told; call it before looking, so that nothing is missed."""
        self._told.clear()

    async def wait(self, timeout_s: float) -> bool:
        """Wait until something is told; return whether it was."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._told.wait()
        return self._told.is_set()


class Listener:
    """Tells those who wait that something happened; an async context manager."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._subscriptions: defaultdict[str, set[Subscription]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        try:
            connection = await self._connect()
        except OperationalError as error:
            raise DatabaseError(
                f"PostgreSQL at {self._database.place} can't be listened to: {error}"
            ) from error
        self._task = asyncio.create_task(self._run(connection), name="listener")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    @contextmanager
    def subscribe(self, operation: str) -> Iterator[Subscription]:
        """Hear of the operation with this very id, from now on."""
        subscription = Subscription()
        self._subscriptions[operation].add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions[operation].discard(subscription)
            if not self._subscriptions[operation]:
                del self._subscriptions[operation]

    async def wait(self, operation: str, timeout_s: float) -> bool:
        """Wait until something happens to the operation; return whether it did."""
        with self.subscribe(operation) as subscription:
            return await subscription.wait(timeout_s)

    async def _run(self, connection: _Listening) -> None:
        pause_s = _SHORTEST_PAUSE_S
        while True:
            try:
                async with connection:
                    self._tell_all()
                    pause_s = _SHORTEST_PAUSE_S
                    async for notification in connection.notifies():
                        self._tell(notification.payload)
            except OperationalError:
                await asyncio.sleep(pause_s)
            connection = await self._reconnect(pause_s)

    async def _reconnect(self, pause_s: float) -> _Listening:
        while True:
            try:
                return await self._connect()
            except OperationalError:
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _connect(self) -> _Listening:
        connection = await AsyncConnection.connect(
            self._database.url,
            autocommit=True,
            application_name="ktrdr-listener",
            connect_timeout=5,
            # An other end that vanished without a word is noticed within a minute.
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
        )
        await connection.execute(f"LISTEN {CHANNEL}")
        return connection

    def _tell(self, operation: str) -> None:
        for subscription in self._subscriptions.get(operation, ()):
            subscription.tell()

    def _tell_all(self) -> None:
        for subscriptions in self._subscriptions.values():
            for subscription in subscriptions:
                subscription.tell()
