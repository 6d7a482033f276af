"""What every request passes first and every answer last."""

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ktrdr.api.access import user_of
from ktrdr.api.log import log
from ktrdr.api.metrics import Metrics
from ktrdr.api.problems import problem_of

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    # What one user is told, no cache may tell another.
    "Cache-Control": "no-store",
}


@dataclass
class _Answer:
    status: int = 0
    began_after_s: float | None = None


class Border:
    """Gives requests an id, logs and counts them, and tells unexpected errors.

    Parameters
    ----------
    paths : mapping
        Each endpoint function to the path that its route stands for.
    """

    def __init__(
        self, app: ASGIApp, *, metrics: Metrics, paths: Mapping[Any, str]
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and tell of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        request.state.request_id = request_id = _request_id(scope)
        answer, began_s = _Answer(), time.perf_counter()

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.began_after_s = time.perf_counter() - began_s
                _add_headers(message, request_id)
            await send(message)

        from structlog.contextvars import bound_contextvars

        with bound_contextvars(request_id=request_id):
            try:
                await self._run(scope, receive, noted, answer)
            finally:
                self._tell(request, answer, time.perf_counter() - began_s)

    async def _run(
        self, scope: Scope, receive: Receive, send: Send, answer: _Answer
    ) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            log().exception("request failed unexpectedly")
            if answer.status:
                # Too late for words: the connection breaks, so that nobody takes
                # what was sent for the whole.
                raise
            request_id = scope["state"]["request_id"]
            await problem_of(error, request_id)(scope, receive, send)

    def _tell(self, request: Request, answer: _Answer, seconds: float) -> None:
        method = request.method if request.method in _METHODS else "other"
        route = self._paths.get(request.scope.get("endpoint"), "none")
        began_after_s = (
            seconds if answer.began_after_s is None else answer.began_after_s
        )
        self._metrics.count(
            method=method, route=route, status=answer.status, seconds=began_after_s
        )
        user = user_of(request)
        log().info(
            "request",
            method=method,
            path=request.url.path,
            status=answer.status,
            milliseconds=round(1000 * seconds, 1),
            user=user.name if user else None,
            client=request.client.host if request.client else None,
        )


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return str(value.decode())
    return secrets.token_hex(8)


def _add_headers(message: Message, request_id: str) -> None:
    headers = MutableHeaders(scope=message)
    headers["X-Request-ID"] = request_id
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
