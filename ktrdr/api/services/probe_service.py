"""Operations that do nothing, to measure and check the queue."""

from ktrdr.api.services.starting import Asked, digest_of
from ktrdr.operations import NewOperation, Operations
from ktrdr.schemas import OperationDocument, ProbesDocument, ProbesStart


async def start_probes(
    start: ProbesStart, operations: Operations, asked: Asked
) -> ProbesDocument:
    """Create as many as are asked for, one by one.

    A repeat creates those that are missing.
    """
    made = [await _start(start, operations, asked, i) for i in range(start.n)]
    return ProbesDocument(items=tuple(made))


async def _start(
    start: ProbesStart, operations: Operations, asked: Asked, i: int
) -> OperationDocument:
    created = await operations.create(
        NewOperation(
            kind="probe",
            title="probe",
            queue=start.queue,
            request={},
            priority=start.priority,
            created_by=asked.user,
            # No key that is sent holds a space.
            idempotency_key=None if asked.key is None else f"{asked.key} {i}",
            request_digest=digest_of(start),
        )
    )
    return created.operation
