"""Operations: their results, and how they go on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from ktrdr.api.backend import Backend
from ktrdr.api.log import log
from ktrdr.errors import (
    AccessError,
    ConflictError,
    DatabaseError,
    Handling,
    JobCancelled,
    JobFailed,
    KtrdrError,
)
from ktrdr.operations import follow
from ktrdr.schemas import (
    EventDocument,
    OperationDetail,
    OperationDocument,
    OperationState,
)

# So often at least something is sent, so that nobody takes silence for the end.
PING_S = 15.0


def result_of(operation: OperationDetail) -> dict[str, Any]:
    """Return the result of ``operation``.

    Raises
    ------
    ConflictError
        If it has not ended.
    JobCancelled, JobFailed
        If it ended otherwise; with the code of its failure.
    """
    if operation.state is OperationState.COMPLETED:
        return operation.result or {}
    name = f"operation {operation.id}"
    if not operation.state.is_final:
        raise ConflictError(
            f"{name} is {operation.state} and has no result yet; follow it until it "
            "has ended"
        )
    if operation.error is None:
        raise JobCancelled(f"{name} was cancelled and has no result")
    failure = operation.error
    handling = Handling(code=failure.code, exit_code=failure.exit_code, http_status=409)
    raise JobFailed(failure.message, handling)


async def sent_events(
    backend: Backend,
    operation: str,
    after: int,
    check: Callable[[], Awaitable[object]],
) -> AsyncIterator[bytes]:
    """Yield what ``follow`` tells about an operation as server-sent events.

    An ``event`` has its id; an ``operation`` comes first as it is, then whenever it
    changed, at last in its final state. The stream ends early when the backend stops
    or loses the database: whoever listens asks again from the last id. It ends too
    when ``check``, called now and then, raises AccessError: with a token that was
    revoked nobody listens on.
    """
    source = follow(backend.operations, backend.listener, operation, after)
    stopping = asyncio.create_task(_over(backend, check))
    coming = asyncio.create_task(_next(source))
    try:
        while not stopping.done():
            done, _ = await asyncio.wait(
                {coming, stopping},
                timeout=PING_S,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not done:
                yield KEEPALIVE_COMMENT
            elif coming in done:
                found = coming.result()
                if found is None:
                    return
                yield _formatted(found)
                coming = asyncio.create_task(_next(source))
    except KtrdrError as error:
        log().warning("following ends early", operation=operation, reason=str(error))
    finally:
        stopping.cancel()
        coming.cancel()
        await asyncio.wait({coming, stopping})
        await source.aclose()


async def _over(backend: Backend, check: Callable[[], Awaitable[object]]) -> None:
    while not backend.stopping.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(PING_S):
                await backend.stopping.wait()
        try:
            # Without the database, there is nothing to listen to either.
            with suppress(DatabaseError):
                await check()
        except AccessError:
            return


async def _next(
    source: AsyncIterator[EventDocument | OperationDocument],
) -> EventDocument | OperationDocument | None:
    return await anext(source, None)


def _formatted(found: EventDocument | OperationDocument) -> bytes:
    is_event = isinstance(found, EventDocument)
    return format_sse_event(
        event="event" if is_event else "operation",
        id=str(found.id) if is_event else None,
        data_str=found.model_dump_json(),
    )
