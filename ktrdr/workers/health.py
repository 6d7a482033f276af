"""Health and metrics of a worker over HTTP."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from errno import EADDRINUSE
from hmac import compare_digest
from ipaddress import ip_address
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ktrdr.errors import InputError
from ktrdr.workers.metrics import CONTENT_TYPE_LATEST, WorkerMetrics

_PORTS_TO_TRY = 100
_NOT_SHOWN = (
    "beyond the worker's own machine metrics ask for a bearer token: the one in the "
    "file that KTRDR_METRICS_TOKEN_FILE names to the worker\n"
)


def free_socket(host: str, first_port: int) -> socket.socket:
    """Return a socket that listens on the first free port from ``first_port`` on.

    Port 0 is any that is free.

    Raises
    ------
    InputError
        If none of a hundred is free, or ``host`` is no address of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    ports = range(first_port, min(first_port + _PORTS_TO_TRY, 65_536))
    for port in ports if first_port else (0,):
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
            listening.listen()
        except OSError as error:
            listening.close()
            if error.errno != EADDRINUSE:
                raise InputError(
                    f"a worker can't listen on {host} port {port}: {error}; "
                    "see KTRDR_WORKER_HOST and KTRDR_WORKER_PORT"
                ) from None
        else:
            return listening
    raise InputError(
        f"no port of {host} from {ports[0]} to {ports[-1]} is free; "
        "name another first one with KTRDR_WORKER_PORT"
    )


def read_token(file: Path | None) -> str | None:
    """Return the token that ``file`` holds; None if there is no file.

    Raises
    ------
    InputError
        If the file can't be read or holds none.
    """
    if file is None:
        return None
    try:
        token = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"KTRDR_METRICS_TOKEN_FILE can't be read: {error}") from None
    if not token:
        raise InputError(f"KTRDR_METRICS_TOKEN_FILE: {file} is empty, not a token")
    return token


def health_app(
    metrics: WorkerMetrics,
    problems: Callable[[], Sequence[str]],
    token: str | None = None,
) -> Starlette:
    """Return the app; ``problems`` tells why the worker takes no work, if it does not.

    Alive is who answers at all. Ready is who takes work. Metrics are told to this
    machine, and beyond it to who shows ``token``.
    """

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(_: Request) -> Response:
        found = list(problems())
        if found:
            return JSONResponse({"status": "not ready", "reasons": found}, 503)
        return JSONResponse({"status": "ready"})

    async def tell_metrics(request: Request) -> Response:
        if not (_is_here(request) or _shows(request, token)):
            return PlainTextResponse(_NOT_SHOWN, 401, {"WWW-Authenticate": "Bearer"})
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[
            Route("/health/live", live),
            Route("/health/ready", ready),
            Route("/metrics", tell_metrics),
        ]
    )


def _is_here(request: Request) -> bool:
    return request.client is not None and ip_address(request.client.host).is_loopback


def _shows(request: Request, token: str | None) -> bool:
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    # In a time that tells nothing of where they differ.
    return (
        token is not None
        and scheme.lower() == "bearer"
        and compare_digest(shown.strip().encode(), token.encode())
    )


@asynccontextmanager
async def served(app: Starlette, listening: socket.socket) -> AsyncIterator[None]:
    """Serve ``app`` in this event loop until the block ends."""
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """Leaves signals to the worker."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
