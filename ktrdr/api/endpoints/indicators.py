"""Indicators: the catalogue, and values on stored bars."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from ktrdr.api.access import VIEWER
from ktrdr.api.dependencies import StoreDep
from ktrdr.api.services import indicator_service
from ktrdr.schemas import (
    CalculateRequest,
    IndicatorDetail,
    IndicatorSummary,
    IndicatorValues,
)

router = APIRouter(prefix="/indicators", tags=["indicators"])


@router.get("", dependencies=[VIEWER])
def list_indicators(
    search: Annotated[
        str, Query(max_length=64, description="Text in name or title.")
    ] = "",
    group: Annotated[
        str | None, Query(max_length=64, description="Such as momentum.")
    ] = None,
) -> list[IndicatorSummary]:
    """List the indicators."""
    return indicator_service.list_indicators(search, group)


@router.post("/calculate", dependencies=[VIEWER])
def calculate(store: StoreDep, request: CalculateRequest) -> IndicatorValues:
    """Return an indicator's values on stored bars, calculated from the first one."""
    return indicator_service.calculate(store, request)


@router.get("/{name}", dependencies=[VIEWER])
def show_indicator(
    name: Annotated[str, Path(min_length=1, max_length=64, examples=["rsi"])],
) -> IndicatorDetail:
    """Tell what an indicator takes and gives, and when it is known."""
    return indicator_service.show_indicator(name)
