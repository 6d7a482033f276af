"""Fuzzy sets: membership functions as curves, and degrees of values."""

from fastapi import APIRouter

from ktrdr.api.access import VIEWER
from ktrdr.api.dependencies import StoreDep
from ktrdr.api.services import fuzzy_service
from ktrdr.schemas import (
    CurvesAnswer,
    CurvesRequest,
    DegreesDocument,
    EvaluateRequest,
)

router = APIRouter(prefix="/fuzzy", tags=["fuzzy"])


@router.post("/curves", dependencies=[VIEWER])
def curves(store: StoreDep, request: CurvesRequest) -> CurvesAnswer:
    """Return membership functions as curves: given, of a strategy or of a model."""
    return fuzzy_service.curves(store, request)


@router.post("/evaluate", dependencies=[VIEWER])
def evaluate(store: StoreDep, request: EvaluateRequest) -> DegreesDocument:
    """Return how much values belong to the terms of one fuzzy set."""
    return fuzzy_service.evaluate(store, request)
