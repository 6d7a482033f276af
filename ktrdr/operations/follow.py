"""Following an operation to its end, as it happens."""

from collections.abc import AsyncGenerator, AsyncIterator

from ktrdr.operations.listener import Listener
from ktrdr.operations.operations import Operations
from ktrdr.schemas import EventDocument, OperationDocument

_PAGE = 500
# A notification is never lost while the connection lasts; this is for when a
# connection ends so that nobody notices.
_LOOK_AGAIN_S = 15.0


async def follow(
    operations: Operations, listener: Listener, operation: str, after: int = 0
) -> AsyncGenerator[EventDocument | OperationDocument, None]:
    """Yield the events after ``after``, and the operation whenever it changed.

    Events come in their order. The operation comes first as it is, then whenever
    its state or progress differs from what was told; after it has ended, nothing.

    Parameters
    ----------
    operation : str
        The very id.

    Raises
    ------
    NotFoundError
        If there is no such operation.
    """
    told: object = None
    with listener.subscribe(operation) as subscription:
        while True:
            subscription.clear()
            # Read before the events: those that ended it are then among them.
            now = await operations.get_document(operation)
            async for event in _events(operations, operation, after):
                after = event.id
                yield event
            if (seen := _shown(now)) != told:
                told = seen
                yield now
            if now.state.is_final:
                return
            await subscription.wait(_LOOK_AGAIN_S)


async def _events(
    operations: Operations, operation: str, after: int
) -> AsyncIterator[EventDocument]:
    while page := await operations.events(operation, after=after, limit=_PAGE):
        for event in page:
            yield event
        if len(page) < _PAGE:
            return
        after = page[-1].id


def _shown(operation: OperationDocument) -> object:
    return (
        operation.state,
        operation.attempt,
        operation.worker,
        operation.progress,
        operation.n_open_children,
    )
