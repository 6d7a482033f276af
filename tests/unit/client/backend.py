"""The real backend on a real port, for the client's tests."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from ktrdr.api.main import create_app
from ktrdr.settings import Settings


@dataclass
class RunningBackend:
    """A backend while it runs, with the requests it was asked: method and path."""

    url: str
    app: FastAPI
    asked: list[tuple[str, str]]


@contextmanager
def running_backend(config: Settings, port: int = 0) -> Iterator[RunningBackend]:
    """Run the backend in a thread of this process."""
    app = create_app(config)
    asked: list[tuple[str, str]] = []

    async def listening(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            asked.append((scope["method"], scope["path"]))
        await app(scope, receive, send)

    server = uvicorn.Server(
        uvicorn.Config(
            listening, port=port, log_level="warning", timeout_graceful_shutdown=1
        )
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started or not app.state.backend.is_connected:
            time.sleep(0.01)
        found = server.servers[0].sockets[0].getsockname()[1]
        yield RunningBackend(url=f"http://127.0.0.1:{found}", app=app, asked=asked)
    finally:
        server.should_exit = True
        thread.join()
