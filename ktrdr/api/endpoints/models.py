"""Models: list, show, explain, predict, delete."""

from typing import Annotated

from fastapi import APIRouter, Query

from ktrdr.api.access import ADMIN, VIEWER
from ktrdr.api.dependencies import StoreDep
from ktrdr.api.endpoints.parameters import Limit, ModelName, Offset
from ktrdr.api.services import model_service
from ktrdr.schemas import (
    ExplanationDocument,
    ModelDetail,
    ModelSummary,
    PredictionDocument,
    PredictRequest,
)

router = APIRouter(prefix="/models", tags=["models"])


@router.get("", dependencies=[VIEWER])
def list_models(
    store: StoreDep, offset: Offset = 0, limit: Limit = 1_000
) -> list[ModelSummary]:
    """List the models, by name and version."""
    return model_service.list_models(store, offset=offset, limit=limit)


@router.get("/{model}", dependencies=[VIEWER])
def show_model(store: StoreDep, model: ModelName) -> ModelDetail:
    """Show where a model comes from and how good it is beside its baselines."""
    return model_service.show_model(store, model)


@router.get("/{model}/explain", dependencies=[VIEWER])
def explain(
    store: StoreDep,
    model: ModelName,
    symbol: Annotated[
        str | None, Query(min_length=1, max_length=64, description="Whose bars.")
    ] = None,
    at: Annotated[
        tuple[Annotated[str, Query(max_length=40)], ...],
        Query(max_length=100, description="Moments within bars, UTC, ISO 8601."),
    ] = (),
    last: Annotated[
        int | None, Query(ge=1, le=200, description="So many of the newest bars.")
    ] = None,
) -> ExplanationDocument:
    """Tell why a model decided as it did; about the newest bar if not told otherwise.

    The contributions add up to the difference between the bar's margin and the
    average training bar's.
    """
    return model_service.explain(store, model, symbol=symbol, at=at, last=last)


@router.post("/{model}/predict", dependencies=[VIEWER])
def predict(
    store: StoreDep, model: ModelName, request: PredictRequest
) -> PredictionDocument:
    """Return what a model says and decides at bars, stored or sent along."""
    return model_service.predict(store, model, request)


@router.delete("/{model}", dependencies=[ADMIN], status_code=204)
def delete_model(
    store: StoreDep,
    model: ModelName,
    force: Annotated[bool, Query(description="Even if results refer to it.")] = False,
) -> None:
    """List a model no more, named as name@version or by its whole digest."""
    model_service.delete_model(store, model, force=force)
