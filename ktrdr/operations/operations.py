"""Operations in PostgreSQL: durable rows, each with a job in the queue."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ktrdr.database import Database
from ktrdr.operations import attempts, commands, create, reading, stalled
from ktrdr.operations.metrics import Metrics, read_metrics
from ktrdr.operations.model import (
    AttemptToken,
    Created,
    NewOperation,
    OperationFilter,
)
from ktrdr.operations.queue import prune_jobs
from ktrdr.operations.workers import WorkerRegistry
from ktrdr.schemas import (
    ChildOutcome,
    EventDocument,
    FailureDocument,
    OperationDetail,
    OperationDocument,
    OperationPage,
    OperationState,
    ProgressDocument,
)

_DAY_S = 86_400.0
# Closed jobs are only of use to whoever looks for a fault.
_KEEP_JOBS_DAYS = 1.0
# A container's worker has its id in the name, and each rollout makes others.
_KEEP_WORKERS_DAYS = 1.0
_PRUNE_EVERY_S = 3_600.0


class Operations:
    """All that may happen to operations.

    Methods that take an ``AttemptToken`` raise AttemptSuperseded when a newer
    attempt exists or the operation has ended; then nothing was written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._next_prune = time.monotonic() + _PRUNE_EVERY_S

    # What users ask for.

    async def create(
        self, new: NewOperation, children: Sequence[NewOperation] = ()
    ) -> Created:
        """Create the operation and its job, or its children and theirs, at once.

        With children, its own job is made when the last of them has ended and one
        at least was completed; ``children_outcomes`` tells how they did.

        Raises
        ------
        ConflictError
            If the idempotency key was used for another request.
        """
        return await create.create(self._database, new, children)

    async def find_repeat(
        self, created_by: str, idempotency_key: str, request_digest: str
    ) -> OperationDocument | None:
        """Return what ``create`` made with this key before; None if nothing.

        Raises
        ------
        ConflictError
            If it was made for another request.
        """
        return await create.find_repeat(
            self._database, created_by, idempotency_key, request_digest
        )

    async def get(self, operation: str) -> OperationDetail:
        """Return the operation whose id is or begins with ``operation``.

        Raises
        ------
        NotFoundError, ConflictError
            If there is none, or several ids begin so.
        """
        return await reading.get_detail(self._database, operation)

    async def get_document(self, operation: str) -> OperationDocument:
        """Return the operation with this very id, without its attempts.

        Raises
        ------
        NotFoundError
            If there is none.
        """
        return await reading.get_document(self._database, operation)

    async def list_page(
        self,
        which: OperationFilter,
        *,
        cursor: str | None = None,
        limit: int = 50,
    ) -> OperationPage:
        """Return a page of operations, newest first.

        Raises
        ------
        InputError
            If the cursor is none of ours or the limit is not from 1 to 1000.
        """
        return await reading.list_page(self._database, which, cursor, limit)

    async def events(
        self, operation: str, *, after: int = 0, limit: int = 1000
    ) -> list[EventDocument]:
        """Return events with ids above ``after``, in their order."""
        return await reading.get_events(self._database, operation, after, limit)

    async def children_outcomes(self, parent: str) -> list[ChildOutcome]:
        """Return how the children that have ended did, in the order of the plan."""
        return await reading.children_outcomes(self._database, parent)

    async def cancel(self, operation: str) -> OperationDocument:
        """Cancel: at once when pending, else as soon as its worker lets go.

        A parent's children are cancelled with it. Repeating it changes nothing.
        An attempt that completes before its worker hears of it counts.

        Raises
        ------
        ConflictError
            If it has ended otherwise.
        """
        operation = await reading.resolve(self._database, operation)
        return await commands.cancel(self._database, operation)

    async def resume(self, operation: str) -> OperationDocument:
        """Let a cancelled operation go on from its last checkpoint.

        A parent's cancelled children go on.

        Raises
        ------
        ConflictError
            If it was not cancelled, or is part of an operation that has ended.
        """
        operation = await reading.resolve(self._database, operation)
        return await commands.resume(self._database, operation)

    async def retry(self, operation: str) -> OperationDocument:
        """Try a failed operation or a dead letter again, its failures forgotten.

        A parent's failed children are tried again.

        Raises
        ------
        ConflictError
            If it did not fail, or is part of an operation that has ended.
        """
        operation = await reading.resolve(self._database, operation)
        return await commands.retry(self._database, operation)

    # What the worker of the attempt tells.

    async def claim(self, token: AttemptToken, worker: str) -> OperationDocument:
        """Begin the attempt: pending becomes running.

        Asked again by the same worker, it answers the same: an answer that was lost
        with the connection can be asked for again.
        """
        return await attempts.claim(self._database, token, worker)

    async def heartbeat(
        self, token: AttemptToken, progress: ProgressDocument | None = None
    ) -> OperationState:
        """Tell that the attempt lives and how far it is; return the state.

        Every running operation needs it several times within the time after which
        the sweep calls its worker lost, whether there is progress or not.
        """
        return await attempts.heartbeat(self._database, token, progress)

    async def record(
        self, token: AttemptToken, type: str, data: Mapping[str, Any]
    ) -> None:
        """Keep an event: a ``phase`` or a ``note``."""
        await attempts.record(self._database, token, type, data)

    async def checkpoint(self, token: AttemptToken, name: str, digest: str) -> None:
        """Note the newest checkpoint of the network ``name``."""
        await attempts.checkpoint(self._database, token, name, digest)

    async def complete(self, token: AttemptToken, result: Mapping[str, Any]) -> None:
        """End with a result; the last child to end makes the parent's job."""
        await attempts.complete(self._database, token, result)

    async def fail(self, token: AttemptToken, error: FailureDocument) -> OperationState:
        """End with an error, or with a new attempt after a pause if it may pass."""
        return await attempts.fail(self._database, token, error)

    async def hand_back(self, token: AttemptToken, reason: str) -> None:
        """Give the operation to another worker: a new attempt, not a failure."""
        await attempts.hand_back(self._database, token, reason)

    async def let_go(self, token: AttemptToken) -> None:
        """End as cancelled, as was asked."""
        await attempts.let_go(self._database, token)

    # What every worker and the backend do from time to time.

    async def sweep(self, silent_for_s: float) -> list[str]:
        """Give the jobs of silent workers to others; return their operations.

        Once an hour, closed jobs and workers are forgotten that are a day old.
        """
        rescued = await stalled.sweep(self._database, silent_for_s)
        if time.monotonic() >= self._next_prune:
            self._next_prune = time.monotonic() + _PRUNE_EVERY_S
            await self.prune(_KEEP_JOBS_DAYS)
            await WorkerRegistry(self._database).prune(_KEEP_WORKERS_DAYS)
        return rescued

    async def prune(self, older_than_days: float) -> int:
        """Delete the queue's jobs that were closed longer ago; return how many."""
        async with self._database.transaction() as connection:
            return await prune_jobs(connection, older_than_days * _DAY_S)

    async def metrics(self) -> Metrics:
        """Count operations, waiting jobs and workers."""
        return await read_metrics(self._database)
