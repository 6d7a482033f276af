"""How much a request may send."""

from fastapi import Depends, Request, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ktrdr.api.dependencies import backend_of
from ktrdr.api.problems import problem, request_id_of

_KEY = "ktrdr.body_limit"
_MOST_HEADER_BYTES = 32 * 1024
_MB = 1024 * 1024


class _Limit:
    # Raised by a route's dependency, after the request came and before it is read.
    def __init__(self, most: int, announced: int) -> None:
        self.most = most
        self.found = announced

    def check(self) -> None:
        if self.found > self.most:
            raise HTTPException(
                413,
                f"what was sent has more than {self.most:,} bytes, the most allowed "
                "here; send less, or have KTRDR_MAX_BODY_MB or KTRDR_MAX_UPLOAD_MB "
                "raised",
            )


class SizeLimit:
    """Stops reading a body at ``most`` bytes, whether its length is told or not.

    Headers and address have a limit of their own.
    """

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with a body that ends at the limit."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _head_size(scope) > _MOST_HEADER_BYTES:
            await _refuse_head(scope)(scope, receive, send)
            return
        limit = scope[_KEY] = _Limit(self._most, _announced(scope))
        n_read = 0

        async def limited() -> Message:
            nonlocal n_read
            limit.check()
            message = await receive()
            n_read += len(message.get("body", b""))
            limit.found = max(limit.found, n_read)
            limit.check()
            return message

        await self._app(scope, limited, send)


def _head_size(scope: Scope) -> int:
    headers = sum(len(name) + len(value) for name, value in scope["headers"])
    return headers + len(scope["path"]) + len(scope["query_string"])


def _refuse_head(scope: Scope) -> Response:
    detail = f"address and headers have more than {_MOST_HEADER_BYTES:,} bytes"
    return problem(431, "too_large", detail, request_id_of(Request(scope)))


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def most_upload_bytes(request: Request) -> int:
    """Return how large a file of bars may be, as it comes and unpacked."""
    return backend_of(request).config.max_upload_mb * _MB


def _allow_upload(request: Request) -> None:
    limit = request.scope[_KEY]
    limit.most = most_upload_bytes(request)


# For routes that take a file as it is, with `request.stream()`: what is declared as a
# body or a form is read before any dependency.
UPLOAD = Depends(_allow_upload)
