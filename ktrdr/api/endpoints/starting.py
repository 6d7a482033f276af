"""What all routes have in common that start work."""

from typing import Annotated, Any

from fastapi import Depends, Header, Response

from ktrdr.api.dependencies import BackendDep, CurrentUser
from ktrdr.api.services.starting import Asked, Starter
from ktrdr.operations import Created
from ktrdr.schemas import OperationDocument

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Sent again with the same key, the same request starts nothing "
        "and is answered with what it started.",
        examples=["3f0c7c1e-5d3f-4c39-9d0f-0a3c5a7a7f50"],
    ),
]


def _starter(
    backend: BackendDep, user: CurrentUser, idempotency_key: IdempotencyKey = None
) -> Starter:
    return Starter(
        backend.operations,
        lambda: backend.store,
        Asked(user=user.name, key=idempotency_key),
    )


StarterDep = Annotated[Starter, Depends(_starter)]

# How such a route answers, for its decorator.
STARTED: dict[int | str, dict[str, Any]] = {
    200: {
        "model": OperationDocument,
        "description": "The same request was made before, with this idempotency key.",
    }
}


def started(created: Created, response: Response) -> OperationDocument:
    """Return the operation; say in ``response`` where it is and whether it is new."""
    operation = created.operation
    response.headers["Location"] = f"/api/v1/operations/{operation.id}"
    if not created.is_new:
        response.status_code = 200
        response.headers["Idempotency-Replayed"] = "true"
    return operation
