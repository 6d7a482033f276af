"""Operations and events to answer with."""

from datetime import UTC, datetime

from ktrdr.schemas import EventDocument, OperationDocument, OperationState

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def operation(
    state: OperationState = OperationState.RUNNING, **fields: object
) -> OperationDocument:
    return OperationDocument.model_validate(
        {
            "id": "k7x2m9qd4t",
            "kind": "training",
            "title": "train momentum",
            "queue": "training-cpu",
            "priority": 0,
            "state": state,
            "request": {},
            "attempt": 1,
            "failures": 0,
            "max_failures": 5,
            "created_by": "local",
            "created_at": NOON,
            **fields,
        }
    )


def event(id: int, message: str = "hello") -> EventDocument:
    return EventDocument(
        id=id,
        operation="k7x2m9qd4t",
        attempt=1,
        at=NOON,
        type="note",
        data={"message": message},
    )


def stream(*found: EventDocument | OperationDocument) -> bytes:
    """Return ``found`` as server-sent events, a sign of life before each."""
    text = ""
    for one in found:
        is_event = isinstance(one, EventDocument)
        text += ": ping\n\n"
        text += f"event: {'event' if is_event else 'operation'}\n"
        text += f"id: {one.id}\n" if is_event else ""
        text += f"data: {one.model_dump_json()}\n\n"
    return text.encode()
