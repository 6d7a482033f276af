"""Run the backend as a server."""

import asyncio
import signal
import socket
from types import FrameType

import uvicorn

from ktrdr.api.authentication import is_loopback
from ktrdr.api.backend import Backend
from ktrdr.api.log import log
from ktrdr.api.main import create_app
from ktrdr.api.tokens import Tokens
from ktrdr.database import Database, check_schema, database_url
from ktrdr.errors import ConflictError, InputError, NotAuthenticatedError
from ktrdr.processes import tell_health
from ktrdr.settings import Settings


def serve(config: Settings) -> None:
    """Serve until SIGTERM or SIGINT; the host and port are those of ``config``.

    Raises
    ------
    NotAuthenticatedError
        If it would listen beyond this machine and there is no token.
    ConflictError, InputError
        If the port is taken or the address can't be used.
    """
    if not is_loopback(config.host):
        asyncio.run(_require_token(config))
    with listening(config.host, config.port) as listener:
        app = create_app(config)
        server = _Server(_uvicorn_config(app, config), app.state.backend)
        tell_health(config.health_file, listener, "/api/v1/health/live")
        log().info("the backend listens", url=_url(listener))
        server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """Stops at a signal with exit code 0, and ends endless answers first."""

    def __init__(self, config: uvicorn.Config, backend: Backend) -> None:
        super().__init__(config)
        self._backend = backend

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._backend.stopping.set()
        # The second time, whoever asks does not want to wait.
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


async def _require_token(config: Settings) -> None:
    given = config.database_url
    url = database_url() if given is None else given.get_secret_value()
    async with Database(url, max_size=1) as database:
        await check_schema(database)
        if not await Tokens(database).count():
            raise NotAuthenticatedError(
                f"the backend would listen on {config.host}, beyond this machine, and "
                "there is no token: create one with `ktrdr auth create`, or listen on "
                "127.0.0.1"
            )


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens there, port 0 being any that is free.

    Raises
    ------
    ConflictError, InputError
        If the port is taken or the address can't be used.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.create_server(address[:2], family=family, backlog=2048)
    except socket.gaierror as error:
        raise InputError(
            f"{host!r} is no address of this machine: {error.strerror}; name one with "
            "--host or KTRDR_HOST"
        ) from None
    except OSError as error:
        raise ConflictError(
            f"port {port} of {host} can't be listened on: {error.strerror}; stop what "
            "uses it, or name another with --port or KTRDR_PORT"
        ) from None
    # Connections inherit it. Else the system holds an answer's body back until its
    # headers are acknowledged, 40 ms later.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _uvicorn_config(app: object, config: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        # Logs are set up by whoever runs this, and requests are logged by the app.
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="on",
        # Who is behind a proxy is believed only of proxies that are named.
        proxy_headers=config.trusted_proxies is not None,
        forwarded_allow_ips=config.trusted_proxies,
        timeout_graceful_shutdown=max(1, round(config.grace_s)),
    )


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
