"""A worker's sign of life, and what it learns from the database meanwhile."""

import asyncio
import time
from collections.abc import Callable

import structlog

from ktrdr.errors import DatabaseError, IncompatibleError
from ktrdr.operations import (
    NewWorker,
    Operations,
    WorkerRegistry,
    WorkerState,
    sweep_times,
)
from ktrdr.workers.identity import WorkerIdentity, misfit, worker_build
from ktrdr.workers.metrics import WorkerMetrics

# At most; a worker that is silent for long counts as lost.
_HEARTBEAT_S = 5.0
# A backend of another release is noticed within half a minute.
_BEATS_BETWEEN_CHECKS = 6
# A worker that stops does not wait longer with its last words.
_TELL_S = 2.0
# So long a worker without work waits for its database.
_PATIENCE_S = 120.0
_log = structlog.stdlib.get_logger(__name__)


class Pulse:
    """Keeps the worker's row alive and sweeps after others.

    Attributes
    ----------
    problem : str or None
        Why the database can't be reached, if so.
    """

    def __init__(
        self,
        registry: WorkerRegistry,
        operations: Operations,
        identity: WorkerIdentity,
        metrics: WorkerMetrics,
        *,
        stalled_after_s: float,
    ) -> None:
        self.problem: str | None = None
        self._registry = registry
        self._operations = operations
        self._identity = identity
        self._metrics = metrics
        self._stalled_after_s = stalled_after_s
        self._state: WorkerState = "starting"
        self._reason: str | None = None

    async def begin(self) -> None:
        """Register.

        Raises
        ------
        IncompatibleError
            If the worker does not fit the backend; then it is registered as refused.
        """
        await self._register()
        await self._check_fit()

    async def tell(self, state: WorkerState, reason: str | None = None) -> None:
        """Say what the worker does now; a database that is away need not know."""
        self._state, self._reason = state, reason
        identity = self._identity
        try:
            async with asyncio.timeout(_TELL_S):
                await self._registry.set_state(
                    identity.name, identity.pid, state, reason
                )
        except (DatabaseError, TimeoutError) as error:
            _log.warning("state was not told", state=state, error=str(error))

    async def run(self, is_busy: Callable[[], bool]) -> None:
        """Beat until cancelled.

        Raises
        ------
        IncompatibleError
            If the backend has become one that this worker does not fit.
        DatabaseError
            If the database stays away while there is nothing to do.
        """
        since_s = time.monotonic()
        beats = 0
        while True:
            await asyncio.sleep(min(_HEARTBEAT_S, self._stalled_after_s / 3))
            beats += 1
            try:
                await self._beat()
                if beats % _BEATS_BETWEEN_CHECKS == 0:
                    await self._check_fit()
            except DatabaseError as error:
                self.problem = str(error)
                away_s = time.monotonic() - since_s
                _log.warning("database is out of reach", seconds=round(away_s))
                if away_s > _PATIENCE_S and not is_busy():
                    raise
            else:
                self.problem = None
                since_s = time.monotonic()

    async def sweep(self) -> None:
        """Give the jobs of silent workers to others, again and again."""
        async for _ in sweep_times(self._stalled_after_s):
            try:
                swept = await self._operations.sweep(self._stalled_after_s)
            except DatabaseError:
                # The heartbeat tells of it.
                continue
            if swept:
                _log.info("gave lost attempts to others", operations=swept)

    async def _beat(self) -> None:
        if not await self._registry.heartbeat(self._identity.name, self._identity.pid):
            # Its row was removed, or another worker has registered with its name.
            _log.warning("registering again", name=self._identity.name)
            await self._register()
        self._metrics.heartbeat_told()

    async def _register(self) -> None:
        identity = self._identity
        await self._registry.register(
            NewWorker(
                name=identity.name,
                kind=identity.kind,
                device=identity.device,
                queues=identity.queues,
                concurrency=identity.concurrency,
                host=identity.host,
                pid=identity.pid,
                port=identity.port,
                build=worker_build(),
                state=self._state,
                reason=self._reason,
            )
        )

    async def _check_fit(self) -> None:
        reason = misfit(await self._registry.backend_build())
        if reason is not None:
            raise IncompatibleError(reason)
