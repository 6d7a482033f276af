"""The attempts that a worker runs, each started by a job of the queue."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import structlog
from procrastinate import JobContext
from procrastinate.exceptions import JobAborted
from procrastinate.job_context import AbortReason

from ktrdr.errors import DatabaseError
from ktrdr.operations import AttemptToken
from ktrdr.workers.attempt import Attempt, AttemptTools, Outcome
from ktrdr.workers.metrics import WorkerMetrics

_log = structlog.stdlib.get_logger(__name__)


class Taker:
    """Runs the attempts whose jobs the queue hands over."""

    def __init__(self, tools: AttemptTools, metrics: WorkerMetrics) -> None:
        self._tools = tools
        self._metrics = metrics
        self._running: set[Attempt] = set()
        self._is_stopping = False

    @property
    def is_busy(self) -> bool:
        """Whether an attempt is running."""
        return bool(self._running)

    def stop(self) -> None:
        """Hand all attempts back, those that are still to come as well."""
        self._is_stopping = True
        for attempt in self._running:
            attempt.hand_back()

    async def take(self, context: JobContext, arguments: Mapping[str, Any]) -> None:
        """Run the attempt that a job of the queue stands for.

        The queue's requests to abort become wishes: the attempt ends by itself.

        Raises
        ------
        JobAborted
            If it was cancelled.
        """
        token = AttemptToken(**arguments)
        attempt = Attempt(self._tools, token)
        if self._is_stopping:
            attempt.hand_back()
        running = asyncio.create_task(self._run(attempt, token))
        while not running.done():
            try:
                await asyncio.shield(running)
            except asyncio.CancelledError:
                if context.abort_reason() is AbortReason.USER_REQUEST:
                    attempt.cancel()
                else:
                    attempt.hand_back()
        if running.result() is Outcome.CANCELLED:
            raise JobAborted

    async def _run(self, attempt: Attempt, token: AttemptToken) -> Outcome | None:
        structlog.contextvars.bind_contextvars(
            operation=token.operation, attempt=token.attempt
        )
        began_s = time.monotonic()
        outcome = None
        self._running.add(attempt)
        self._metrics.job_began()
        try:
            outcome = await attempt.run()
        except DatabaseError as error:
            _log.error("attempt given up: the sweep will find it", error=str(error))
        finally:
            self._running.discard(attempt)
            seconds = time.monotonic() - began_s
            self._metrics.job_ended(attempt.kind, outcome or "given_up", seconds)
        _log.info(
            "attempt ended",
            kind=attempt.kind,
            outcome=outcome or "given_up",
            seconds=round(seconds, 3),
        )
        return outcome
