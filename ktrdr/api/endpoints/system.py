"""Health, builds, workers, metrics."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from ktrdr.api.access import OPEN, VIEWER, user_of
from ktrdr.api.dependencies import DatabaseDep, OperationsDep
from ktrdr.api.metrics import Metrics
from ktrdr.api.openapi import describe
from ktrdr.api.services.health_service import Health, without_reasons
from ktrdr.build_info import build_info
from ktrdr.operations import WorkerRegistry
from ktrdr.schemas import (
    BuildDocument,
    BuildsDocument,
    LiveDocument,
    ReadyDocument,
    WorkerBuild,
    WorkerDocument,
    WorkerList,
)

router = APIRouter(tags=["system"])
# Where Prometheus looks for it: not below /api/v1.
metrics_router = APIRouter(tags=["system"])

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def _health(request: Request) -> Health:
    health = request.app.state.health
    if not isinstance(health, Health):
        raise TypeError("the app was not made by create_app")
    return health


def _metrics(request: Request) -> Metrics:
    metrics = request.app.state.metrics
    if not isinstance(metrics, Metrics):
        raise TypeError("the app was not made by create_app")
    return metrics


@router.get("/health/live", dependencies=[OPEN])
async def live() -> LiveDocument:
    """Tell that the backend runs."""
    return LiveDocument()


@router.get(
    "/health/ready",
    dependencies=[OPEN],
    responses={503: {"model": ReadyDocument, "description": "What it lacks."}},
)
async def ready(
    request: Request, response: Response, health: Annotated[Health, Depends(_health)]
) -> ReadyDocument:
    """Tell whether the backend can work, and why not to who has logged in."""
    document = await health.ready()
    if document.status != "ready":
        response.status_code = 503
    return document if user_of(request) else without_reasons(document)


@router.get("/build", dependencies=[VIEWER])
async def builds(database: DatabaseDep) -> BuildsDocument:
    """Tell which ktrdr the backend and the workers are."""
    workers = await WorkerRegistry(database).list()
    return BuildsDocument(
        backend=BuildDocument(**asdict(build_info())),
        workers=tuple(map(_worker_build, workers)),
    )


@router.get("/workers", dependencies=[VIEWER])
async def workers(database: DatabaseDep) -> WorkerList:
    """List the workers that have registered, those that are lost included."""
    return WorkerList(items=tuple(await WorkerRegistry(database).list()))


@router.get("/openapi.json", include_in_schema=False, dependencies=[VIEWER])
def openapi(request: Request) -> JSONResponse:
    """Describe the API."""
    app = request.app
    # Not at the start: it takes its time. Not asynchronous, for the same reason.
    if app.openapi_schema is None:
        app.openapi_schema = describe(app, app.state.accesses)
    return JSONResponse(app.openapi_schema)


@metrics_router.get(
    "/metrics",
    dependencies=[VIEWER],
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
    },
)
async def metrics(
    operations: OperationsDep, metrics: Annotated[Metrics, Depends(_metrics)]
) -> Response:
    """Tell Prometheus what there is to do and who does it."""
    text = metrics.text(await operations.metrics())
    return Response(text, media_type=_METRICS_TYPE)


def _worker_build(worker: WorkerDocument) -> WorkerBuild:
    return WorkerBuild(
        worker=worker.name,
        state=worker.state,
        version=str(worker.build.get("version", "unknown")),
        commit=str(worker.build.get("commit", "unknown")),
        image=worker.build.get("image"),
        lock=worker.build.get("lock"),
    )
