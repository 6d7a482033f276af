"""Writes to a database that may be away for a while."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from ktrdr.errors import DatabaseError

ResultT = TypeVar("ResultT")
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0
_log = structlog.stdlib.get_logger(__name__)


class Patience:
    """Repeats a write until the database answers, or there is no more time.

    What a worker has to tell was hard work: it is not thrown away because
    PostgreSQL restarts.
    """

    def __init__(self) -> None:
        self._deadline_s: float | None = None

    def end_in(self, seconds: float) -> None:
        """Give up when so many seconds have passed from now."""
        self._deadline_s = time.monotonic() + seconds

    async def retry(self, write: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Return what ``write`` returns, as soon as it does.

        Raises
        ------
        DatabaseError
            If the time is over.
        """
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                async with asyncio.timeout(self._left_s()):
                    return await write()
            except TimeoutError:
                raise DatabaseError("the database did not answer in time") from None
            except DatabaseError as error:
                left_s = self._left_s()
                if left_s is not None and left_s <= pause_s:
                    raise
                _log.warning("database is out of reach", error=str(error))
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _left_s(self) -> float | None:
        if self._deadline_s is None:
            return None
        return max(0.0, self._deadline_s - time.monotonic())
