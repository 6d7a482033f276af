"""Start operations that do nothing."""

from fastapi import APIRouter

from ktrdr.api.access import ADMIN
from ktrdr.api.dependencies import CurrentUser, OperationsDep
from ktrdr.api.endpoints.starting import IdempotencyKey
from ktrdr.api.services.probe_service import start_probes
from ktrdr.api.services.starting import Asked
from ktrdr.schemas import ProbesDocument, ProbesStart

router = APIRouter(prefix="/probes", tags=["system"])


@router.post("", status_code=201, dependencies=[ADMIN])
async def probe(
    start: ProbesStart,
    operations: OperationsDep,
    user: CurrentUser,
    idempotency_key: IdempotencyKey = None,
) -> ProbesDocument:
    """Put operations into a queue that do nothing, to measure and check it."""
    return await start_probes(
        start, operations, Asked(user=user.name, key=idempotency_key)
    )
