"""Start sweeps and walk-forward studies: operations with many children."""

from functools import partial

from fastapi import APIRouter, Response

from ktrdr.api.access import OPERATOR
from ktrdr.api.dependencies import DatabaseDep
from ktrdr.api.endpoints.starting import STARTED, StarterDep, started
from ktrdr.api.services.study_service import (
    count_slots,
    plan_sweep_start,
    plan_walk_forward_start,
)
from ktrdr.operations import WorkerRegistry
from ktrdr.schemas import OperationDocument, SweepStart, WalkForwardStart

router = APIRouter(tags=["start"])


@router.post("/sweeps", status_code=201, responses=STARTED, dependencies=[OPERATOR])
async def start_sweep(
    start: SweepStart, starter: StarterDep, database: DatabaseDep, response: Response
) -> OperationDocument:
    """Try many values of a strategy's parameters."""
    slots = count_slots(await WorkerRegistry(database).list())
    created = await starter.start(
        start, partial(plan_sweep_start, start, n_workers=slots)
    )
    return started(created, response)


@router.post(
    "/walk-forwards", status_code=201, responses=STARTED, dependencies=[OPERATOR]
)
async def start_walk_forward(
    start: WalkForwardStart, starter: StarterDep, response: Response
) -> OperationDocument:
    """Train and backtest a strategy on windows that move through time."""
    created = await starter.start(start, partial(plan_walk_forward_start, start))
    return started(created, response)
