"""Tell the operation what its attempt does: in order, not too often, never giving up.

The job does not wait for the database: what it says is kept until it is written.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from ktrdr.operations import AttemptToken, Operations
from ktrdr.schemas import OperationState, ProgressDocument
from ktrdr.workers.events import AdvanceEvent, NoteEvent, PhaseEvent
from ktrdr.workers.patience import Patience
from ktrdr.workers.rate import Rate

_LEAST_S_BETWEEN_WRITES = 0.5
_LONGEST_HEARTBEAT_S = 3.0
# A job that notes without end would fill the memory while the database is away.
_MOST_RECORDS = 10_000


class Teller:
    """Writes an attempt's events, progress and heartbeat."""

    def __init__(
        self,
        operations: Operations,
        token: AttemptToken,
        *,
        stalled_after_s: float,
        on_cancelling: Callable[[], None],
        patience: Patience,
    ) -> None:
        self._operations = operations
        self._token = token
        self._heartbeat_s = min(stalled_after_s / 6, _LONGEST_HEARTBEAT_S)
        self._on_cancelling = on_cancelling
        self._patience = patience
        self._records: deque[tuple[str, Mapping[str, object]]] = deque(
            maxlen=_MOST_RECORDS
        )
        self._progress: ProgressDocument | None = None
        self._told: ProgressDocument | None = None
        self._rate = Rate()
        self._has_news = asyncio.Event()
        self._is_ending = asyncio.Event()

    def hear(self, event: PhaseEvent | AdvanceEvent | NoteEvent) -> None:
        """Keep what the job said, to be told soon."""
        now = datetime.now(UTC)
        if isinstance(event, NoteEvent):
            self._records.append(("note", {"message": event.message}))
        elif isinstance(event, PhaseEvent):
            fields = event.model_dump(exclude={"event"})
            self._records.append(("phase", fields))
            self._rate = Rate()
            self._progress = ProgressDocument(
                phase=event.name, total=event.total, unit=event.unit, at=now
            )
        elif self._progress is not None:
            self._rate.observe(event.done)
            self._progress = self._progress.model_copy(
                update={
                    "done": event.done,
                    "message": event.message,
                    "rate": self._rate.per_second(),
                    "at": now,
                }
            )
        self._has_news.set()

    def note(self, message: str) -> None:
        """Keep a note of the worker's own."""
        self.hear(NoteEvent(event="note", message=message))

    def end(self) -> None:
        """Let ``run`` return when all has been told."""
        self._is_ending.set()
        self._has_news.set()

    async def run(self) -> None:
        """Tell until the end.

        Raises
        ------
        AttemptSuperseded
            If the attempt may write no more.
        """
        while not self._is_ending.is_set():
            await _within(self._has_news.wait(), self._heartbeat_s)
            self._has_news.clear()
            await self._tell()
            await _within(self._is_ending.wait(), _LEAST_S_BETWEEN_WRITES)
        await self._tell_records()
        if self._progress is not self._told:
            await self._beat()

    async def _tell(self) -> None:
        await self._tell_records()
        await self._beat()

    async def _beat(self) -> None:
        state = await self._patience.retry(self._write_progress)
        if state is OperationState.CANCELLING:
            self._on_cancelling()

    async def _write_progress(self) -> OperationState:
        # The newest, however long the database was away.
        progress = self._progress
        state = await self._operations.heartbeat(self._token, progress)
        self._told = progress
        return state

    async def _tell_records(self) -> None:
        while self._records:
            kind, data = record = self._records[0]
            write = partial(self._operations.record, self._token, kind, data)
            await self._patience.retry(write)
            # It may have been pushed out meanwhile.
            if self._records[0] is record:
                self._records.popleft()


async def _within(waiting: Awaitable[object], seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await waiting
