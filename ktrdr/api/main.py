"""The backend: ``ktrdr.api.main:app``, which never loads torch."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from ktrdr.api.access import RouteAccess, route_accesses
from ktrdr.api.authentication import Authentication
from ktrdr.api.backend import Backend
from ktrdr.api.border import Border
from ktrdr.api.endpoints import ROUTERS
from ktrdr.api.endpoints.system import metrics_router
from ktrdr.api.limits import SizeLimit
from ktrdr.api.login_limit import LoginLimit
from ktrdr.api.metrics import Metrics
from ktrdr.api.problems import add_handlers
from ktrdr.api.services.health_service import Health
from ktrdr.settings import Settings, settings
from ktrdr.tracing import start_tracing, stop_tracing

PREFIX = "/api/v1"
# What asks again and again, and who asked is of no interest.
_UNTRACED = frozenset({f"{PREFIX}/health/live", f"{PREFIX}/health/ready", "/metrics"})


def create_app(config: Settings | None = None) -> FastAPI:
    """Return the backend's app; nothing is connected before it runs.

    Parameters
    ----------
    config : Settings or None
        Those of the process unless given.

    Raises
    ------
    RuntimeError
        If a route does not declare the role that it needs.
    """
    config = config or settings()
    backend, metrics = Backend(config), Metrics()
    app = FastAPI(
        title="ktrdr",
        version=version("ktrdr"),
        lifespan=_lifespan,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        telemetry=_TELEMETRY,
    )
    app.state.backend = backend
    app.state.metrics = metrics
    app.state.health = Health(backend)
    app.state.login_limit = LoginLimit()
    accesses = _add_routes(app)
    app.state.accesses = accesses
    add_handlers(app)
    # The last one added is passed first.
    app.add_middleware(SizeLimit, most=config.max_body_mb * 1024 * 1024)
    app.add_middleware(
        Authentication,
        backend=backend,
        open_paths=[one.path for one in accesses if one.role is None],
    )
    app.add_middleware(
        Border, metrics=metrics, paths={one.endpoint: one.path for one in accesses}
    )
    return app


def _is_untraced(scope: Mapping[str, Any]) -> bool:
    return scope.get("path") in _UNTRACED


# FastAPI makes a span of each request where spans are exported. The rest is ours: the
# exporter, metrics for Prometheus, the log.
_TELEMETRY: TelemetryConfig = {
    "auto_configure": False,
    "operation_spans": False,
    "metrics": False,
    "logs": False,
    "exclude": _is_untraced,
}


def _add_routes(app: FastAPI) -> tuple[RouteAccess, ...]:
    accesses = []
    for prefix, router in (*((PREFIX, one) for one in ROUTERS), ("", metrics_router)):
        accesses += route_accesses(prefix, router)
        app.include_router(router, prefix=prefix)
    return tuple(accesses)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    backend: Backend = app.state.backend
    start_tracing("ktrdr-backend", backend.config.otlp_endpoint)
    running = asyncio.create_task(backend.run(), name="backend")
    try:
        yield
    finally:
        backend.stopping.set()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await asyncio.to_thread(stop_tracing)


app = create_app()
