"""Start trainings."""

from functools import partial

from fastapi import APIRouter, Response

from ktrdr.api.access import OPERATOR
from ktrdr.api.endpoints.starting import STARTED, StarterDep, started
from ktrdr.api.services.training_service import plan_training
from ktrdr.schemas import OperationDocument, TrainingStart

router = APIRouter(prefix="/trainings", tags=["start"])


@router.post("", status_code=201, responses=STARTED, dependencies=[OPERATOR])
async def start_training(
    start: TrainingStart, starter: StarterDep, response: Response
) -> OperationDocument:
    """Train a strategy; everything about it is validated first."""
    created = await starter.start(start, partial(plan_training, start))
    return started(created, response)
