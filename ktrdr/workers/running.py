"""A job process that runs, and those who listen to it."""

import asyncio
from collections.abc import Callable
from typing import Any, Self

from ktrdr.progress import Unit
from ktrdr.workers.async_process import AsyncJobProcess
from ktrdr.workers.events import CheckpointEvent, ResultEvent, WorkEvent
from ktrdr.workers.keeping import CheckpointKeeper
from ktrdr.workers.telling import Teller

_TERMINATE_S = 0.3


class RunningJob:
    """A job process whose events are told and whose checkpoints are kept meanwhile.

    ``count`` is told how many of which unit went through.

    Use it as an async context manager: leaving it kills what still runs.
    """

    def __init__(
        self,
        process: AsyncJobProcess,
        teller: Teller,
        keeper: CheckpointKeeper,
        count: Callable[[Unit, int], None],
    ) -> None:
        self._process = process
        self._teller = teller
        self._keeper = keeper
        self._count = count

    async def __aenter__(self) -> Self:
        self._reading = asyncio.create_task(self._read())
        self._telling = asyncio.create_task(self._teller.run())
        self._keeping = asyncio.create_task(self._keeper.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._process.close()
        await _cancel(self._reading, self._telling, self._keeping)

    async def wait(self, wished: asyncio.Event) -> None:
        """Wait until the job has ended or ``wished`` is set.

        Raises
        ------
        AttemptSuperseded
            If the attempt may write no more.
        """
        wishing = asyncio.create_task(wished.wait())
        listeners = {self._telling, self._keeping}
        try:
            await asyncio.wait(
                {self._reading, wishing, *listeners},
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            await _cancel(wishing)
        for task in listeners:
            if task.done():
                task.result()

    async def stop(self, polite_s: float) -> None:
        """End the job: it has so long to write a checkpoint."""
        if polite_s > 0:
            self._process.stop()
            await asyncio.wait({self._reading}, timeout=polite_s)
        if not self._reading.done():
            self._process.terminate()
            await asyncio.wait({self._reading}, timeout=_TERMINATE_S)
        if not self._reading.done():
            self._process.kill()
            await asyncio.wait({self._reading})

    async def keep_checkpoints(self) -> None:
        """Keep the last checkpoints of a job that has ended."""
        await self._end_keeping()
        await self._keeper.keep()

    async def clear_checkpoints(self) -> None:
        """Delete the checkpoints of a job whose result has been told."""
        await self._end_keeping()
        await self._keeper.clear()

    async def _end_keeping(self) -> None:
        await self._keeper.rest()
        await _cancel(self._keeping)

    async def settle(self) -> None:
        """Tell what has not been told yet of a job that has ended."""
        self._teller.end()
        await self._telling

    def result(self) -> dict[str, object]:
        """Return the result of a job that has ended.

        Raises
        ------
        JobFailed
            If it gave none.
        """
        return self._reading.result()

    async def _read(self) -> dict[str, object]:
        async for event in self._process.events():
            if isinstance(event, ResultEvent):
                return event.result
            if isinstance(event, CheckpointEvent):
                self._keeper.hear(event)
            elif isinstance(event, WorkEvent):
                self._count(event.unit, event.n)
            else:
                self._teller.hear(event)
        raise RuntimeError("a job's events end with its result or an error")


async def _cancel(*tasks: "asyncio.Task[Any]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
