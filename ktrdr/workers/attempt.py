"""One attempt at an operation: its job process, what it tells, and how it ends."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from ktrdr.errors import (
    AttemptSuperseded,
    DatabaseError,
    JobFailed,
    handling_of,
    is_defect,
    message_of,
)
from ktrdr.operations import AttemptToken, Operations
from ktrdr.schemas import FailureDocument, OperationDocument
from ktrdr.storage import ArtifactStore
from ktrdr.tracing import continue_trace, span
from ktrdr.workers.async_process import AsyncJobProcess
from ktrdr.workers.keeping import CheckpointKeeper, fetch_checkpoints
from ktrdr.workers.kinds import Kind, kind_of
from ktrdr.workers.metrics import WorkerMetrics
from ktrdr.workers.patience import Patience
from ktrdr.workers.requests import WorkerValues, fill_request
from ktrdr.workers.running import RunningJob
from ktrdr.workers.scratch import Scratch
from ktrdr.workers.telling import Teller

# Of the two seconds that a cancelled job has, one is for its checkpoint.
_CANCEL_STOP_S = 1.0
_CANCEL_KEEP_S = 0.5
# Time for a job that can't checkpoint to end by itself when its worker stops.
_MOMENT_S = 1.0
# Of the grace period, what the job has, and what the upload; the rest is for the
# hand-over.
_STOP_SHARE = 0.6
_KEEP_SHARE = 0.3
# How a job process ends that was stopped by its worker.
_STOPPED_CODES = frozenset({"stopped", "job_died"})
_log = structlog.stdlib.get_logger(__name__)


class Outcome(StrEnum):
    """How an attempt ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    HANDED_BACK = "handed_back"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, kw_only=True)
class AttemptTools:
    """What all attempts of a worker share.

    Attributes
    ----------
    operations, store, scratch : Operations, ArtifactStore, Scratch
    worker : str
        Name under which attempts are claimed.
    values : WorkerValues
        What requests are filled with.
    metrics : WorkerMetrics
        Counts what attempts do.
    stalled_after_s, grace_s : float
        As in the settings.
    """

    operations: Operations
    store: ArtifactStore
    scratch: Scratch
    worker: str
    values: WorkerValues
    metrics: WorkerMetrics
    stalled_after_s: float
    grace_s: float


class Attempt:
    """Runs one attempt; ``cancel`` and ``hand_back`` may be called meanwhile.

    Attributes
    ----------
    kind : str
        Of the operation, once it is claimed.
    """

    def __init__(self, tools: AttemptTools, token: AttemptToken) -> None:
        self.kind = "unknown"
        self._tools = tools
        self._token = token
        self._patience = Patience()
        self._is_cancelled = False
        self._is_wished = asyncio.Event()
        self._teller = Teller(
            tools.operations,
            token,
            stalled_after_s=tools.stalled_after_s,
            on_cancelling=self.cancel,
            patience=self._patience,
        )

    def cancel(self) -> None:
        """End soon, as the user wants: the checkpoint stays, nobody goes on."""
        self._is_cancelled = True
        self._is_wished.set()

    def hand_back(self) -> None:
        """End within the grace period, as the worker stops: others go on."""
        self._patience.end_in(self._tools.grace_s)
        self._is_wished.set()

    async def run(self) -> Outcome:
        """Do the attempt and return how it ended; errors become the operation's.

        Raises
        ------
        DatabaseError
            If the worker stops while the database is out of reach.
        """
        try:
            operation = await self._write(self._operations.claim, self._tools.worker)
            self.kind = operation.kind
            self._tools.metrics.attempt_claimed(operation)
            return await self._do_traced(operation)
        except AttemptSuperseded:
            _log.info("attempt dropped: a newer one exists, or nobody wants it")
            return Outcome.SUPERSEDED

    @property
    def _operations(self) -> Operations:
        return self._tools.operations

    async def _do_traced(self, operation: OperationDocument) -> Outcome:
        # For the lines that are logged after the span as well.
        continue_trace(operation.traceparent)
        with span(f"attempt {operation.kind}", "consumer") as told:
            told.tell(
                operation=self._token.operation,
                attempt=self._token.attempt,
                queue=operation.queue,
                worker=self._tools.worker,
            )
            outcome = await self._do(operation)
            told.tell(outcome=outcome.value)
            if outcome is Outcome.FAILED:
                told.fail("the attempt failed")
            return outcome

    async def _do(self, operation: OperationDocument) -> Outcome:
        try:
            kind = kind_of(operation.kind)
            if kind.module is None:
                return await self._complete({})
            if self._is_wished.is_set():
                return await self._give_up()
            name = f"{self._token.operation}-{self._token.attempt}"
            with self._tools.scratch.folder(name) as folder:
                request = await self._request(folder, kind, operation)
                return await self._run_job(kind, kind.module, operation, request)
        except (AttemptSuperseded, DatabaseError):
            raise
        # The border of a job: whatever else goes wrong is told, not raised.
        except Exception as error:
            return await self._fail(error)

    async def _request(
        self, folder: Path, kind: Kind, operation: OperationDocument
    ) -> dict[str, Any]:
        checkpoints = folder / "checkpoints"
        resume = kind.can_checkpoint and await fetch_checkpoints(
            self._tools.store, operation.checkpoints, checkpoints, self._teller.note
        )
        children = None
        if kind.is_parent:
            read = partial(self._operations.children_outcomes, operation.id)
            children = await self._patience.retry(read)
        return fill_request(
            kind,
            operation,
            self._tools.values,
            checkpoints=checkpoints,
            resume=resume,
            children=children,
        )

    async def _run_job(
        self,
        kind: Kind,
        module: str,
        operation: OperationDocument,
        request: dict[str, Any],
    ) -> Outcome:
        process = await AsyncJobProcess.start(module, request)
        _log.info("job started", pid=process.pid)
        keeper = CheckpointKeeper(
            self._operations,
            self._token,
            self._tools.store,
            self._patience,
            operation.checkpoints,
        )
        count = partial(self._tools.metrics.work_done, operation.kind)
        async with RunningJob(process, self._teller, keeper, count) as job:
            await job.wait(self._is_wished)
            if self._is_cancelled:
                return await self._end_cancelled(job, kind)
            if self._is_wished.is_set():
                return await self._end_handed_back(job, kind)
            return await self._end(job)

    async def _end(self, job: RunningJob) -> Outcome:
        try:
            result = job.result()
        except JobFailed:
            # The next attempt may need it.
            await job.keep_checkpoints()
            raise
        finally:
            await job.settle()
        return await self._complete_job(job, result)

    async def _end_cancelled(self, job: RunningJob, kind: Kind) -> Outcome:
        await job.stop(_CANCEL_STOP_S if kind.can_checkpoint else 0.0)
        with suppress(JobFailed):
            # Too late to be cancelled: what it has stored is listed already.
            return await self._complete_job(job, job.result())
        await self._keep_within(_CANCEL_KEEP_S, job)
        return await self._give_up()

    async def _end_handed_back(self, job: RunningJob, kind: Kind) -> Outcome:
        stop_s = self._tools.grace_s * _STOP_SHARE
        await job.stop(stop_s if kind.can_checkpoint else min(stop_s, _MOMENT_S))
        try:
            result = job.result()
        except JobFailed as error:
            if error.handling.code not in _STOPPED_CODES:
                raise
        else:
            return await self._complete_job(job, result)
        await self._keep_within(self._tools.grace_s * _KEEP_SHARE, job)
        return await self._give_up()

    async def _keep_within(self, seconds: float, job: RunningJob) -> None:
        try:
            async with asyncio.timeout(seconds):
                await job.keep_checkpoints()
        except TimeoutError:
            _log.warning("the last checkpoint was not kept in time")

    async def _give_up(self) -> Outcome:
        if self._is_cancelled:
            await self._write(self._operations.let_go)
            return Outcome.CANCELLED
        reason = f"worker {self._tools.worker} stops"
        await self._write(self._operations.hand_back, reason)
        return Outcome.HANDED_BACK

    async def _complete_job(
        self, job: RunningJob, result: dict[str, object]
    ) -> Outcome:
        await job.settle()
        outcome = await self._complete(result)
        await job.clear_checkpoints()
        return outcome

    async def _complete(self, result: dict[str, object]) -> Outcome:
        await self._write(self._operations.complete, result)
        return Outcome.COMPLETED

    async def _fail(self, error: Exception) -> Outcome:
        if is_defect(error):
            _log.exception("attempt failed by a defect")
        failure = FailureDocument(
            message=message_of(error), **asdict(handling_of(error))
        )
        _log.warning("attempt failed", code=failure.code, error=failure.message)
        await self._write(self._operations.fail, failure)
        return Outcome.FAILED

    async def _write(self, method: Callable[..., Awaitable[Any]], *values: Any) -> Any:
        return await self._patience.retry(partial(method, self._token, *values))
