"""Start backtests."""

from functools import partial

from fastapi import APIRouter, Response

from ktrdr.api.access import OPERATOR
from ktrdr.api.endpoints.starting import STARTED, StarterDep, started
from ktrdr.api.services.backtest_service import plan_backtest
from ktrdr.schemas import BacktestStart, OperationDocument

router = APIRouter(prefix="/backtests", tags=["start"])


@router.post("", status_code=201, responses=STARTED, dependencies=[OPERATOR])
async def start_backtest(
    start: BacktestStart, starter: StarterDep, response: Response
) -> OperationDocument:
    """Backtest a model: by default on the bars that it has not seen."""
    created = await starter.start(start, partial(plan_backtest, start))
    return started(created, response)
