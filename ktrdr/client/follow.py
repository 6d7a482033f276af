"""Follow an operation to its end, whatever happens to the connection."""

import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ktrdr.client.event_stream import ServerEvent, server_events
from ktrdr.client.transport import parsed
from ktrdr.errors import BackendError, DatabaseError, StorageError
from ktrdr.schemas import EventDocument, OperationDocument

if TYPE_CHECKING:
    from ktrdr.client.transport import Transport

Followed = EventDocument | OperationDocument

# The backend says something at least that often, if only that it is there.
_SILENCE_S = 60.0
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
# The backend is there, but not what it needs.
_PASSING = (DatabaseError, StorageError, BackendError)


def follow(
    transport: "Transport", operation: str, *, after: int, patience_s: float
) -> Iterator[Followed]:
    """Yield the operation's events, and the operation itself whenever it changed.

    The last one is the operation in its final state. When the connection breaks or
    the backend starts again, events go on where they stopped.

    Parameters
    ----------
    after : int
        Events with ids up to this are left out.
    patience_s : float
        How long the backend may be away.

    Raises
    ------
    BackendError
        If it is away for longer; the operation goes on all the same.
    """
    import httpx

    away_since_s, pause_s = time.monotonic(), _FIRST_PAUSE_S
    while True:
        problem: object = "the connection ended"
        try:
            for found in _stream(transport, operation, after):
                if found is None:
                    away_since_s = math.inf
                    continue
                pause_s = _FIRST_PAUSE_S
                if isinstance(found, EventDocument):
                    after = max(after, found.id)
                yield found
                if isinstance(found, OperationDocument) and found.state.is_final:
                    return
        except (httpx.TransportError, *_PASSING) as error:
            problem = error
        away_since_s = min(away_since_s, time.monotonic())
        if time.monotonic() - away_since_s > patience_s:
            raise BackendError(
                f"{transport.url} has been away for {patience_s:g} s ({problem}); the "
                f"operation goes on: `ktrdr ops follow {operation}`"
            )
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _stream(
    transport: "Transport", operation: str, after: int
) -> Iterator[Followed | None]:
    """Yield None when the backend has answered, then what it tells."""
    headers = {"Accept": "text/event-stream", "Last-Event-ID": str(after)}
    with transport.stream(
        f"/operations/{operation}/events", headers=headers, silence_s=_SILENCE_S
    ) as response:
        yield None
        for event in server_events(response.iter_lines()):
            found = _parsed(event)
            if found is not None:
                yield found


def _parsed(event: ServerEvent) -> Followed | None:
    data = event.data.encode()
    if event.type == "operation":
        return parsed(OperationDocument, data, "an event")
    if event.type == "event":
        return parsed(EventDocument, data, "an event")
    return None  # Of a newer backend.
