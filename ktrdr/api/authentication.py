"""Who asks: found before anything else, and without it nothing is answered."""

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from ktrdr.api.access import User
from ktrdr.api.backend import Backend
from ktrdr.api.problems import problem_of, request_id_of
from ktrdr.api.tokens import Tokens
from ktrdr.errors import KtrdrError, NotAllowedError, NotAuthenticatedError
from ktrdr.schemas import Role, TokenDocument
from ktrdr.settings import Settings

COOKIE = "ktrdr_session"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
# Somebody else's request, passed on by a program on this machine.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_HOW = "send a token: `Authorization: Bearer ktrdr_...`"


class Authentication:
    """Finds who asks; only the paths in ``open_paths`` are for everybody.

    Others are refused here, before a route is looked for or a body read.
    """

    def __init__(
        self, app: ASGIApp, *, backend: Backend, open_paths: Iterable[str]
    ) -> None:
        self._app = app
        self._backend = backend
        self._open_paths = frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, once it is known who asks."""
        if scope["type"] == "http":
            request = Request(scope)
            try:
                request.state.user = await find_user(request, self._backend)
            except KtrdrError as error:
                if scope["path"] not in self._open_paths:
                    response = problem_of(error, request_id_of(request))
                    await response(scope, receive, send)
                    return
        await self._app(scope, receive, send)


async def find_user(request: Request, backend: Backend) -> User:
    """Return who asks, as far as is known at this moment.

    Raises
    ------
    NotAuthenticatedError, NotAllowedError
        If that is nobody, or a page that may not use the session it came with.
    """
    header = request.headers.get("authorization")
    if header is not None:
        return await _by_token(header, backend)
    secret = request.cookies.get(COOKIE)
    if secret is not None:
        token = await Tokens(backend.database).find_session(secret)
        if token is not None:
            _refuse_foreign(request)
            return _named(token, "session")
    return _local(request, backend.config)


def is_loopback(host: str) -> bool:
    """Return whether ``host``, a name or an address, is this machine alone."""
    name = host.strip("[]").lower()
    if name in _LOOPBACK_NAMES:
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


async def _by_token(header: str, backend: Backend) -> User:
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer":
        raise NotAuthenticatedError(f"found another kind of Authorization; {_HOW}")
    token = await Tokens(backend.database).find(secret.strip())
    if token is None:
        raise NotAuthenticatedError(
            "the token is not valid: unknown, expired or revoked; ask an admin for "
            "another, or make one with `ktrdr auth create`"
        )
    return _named(token, "token")


def _named(token: TokenDocument, method: str) -> User:
    return User(
        name=token.name,
        role=token.role,
        method="session" if method == "session" else "token",
        token_id=token.id,
    )


def _local(request: Request, config: Settings) -> User:
    # Without a token, only somebody at a machine that serves nobody else, and no web
    # page that a browser here shows: neither one that asks from elsewhere, nor one
    # that made its own name mean this machine, nor somebody behind a proxy here,
    # whether it says so or was named in the settings.
    client = request.client.host if request.client else ""
    is_here = is_loopback(config.host) and is_loopback(client)
    is_forwarded = config.trusted_proxies is not None or any(
        name in request.headers for name in _FORWARDED
    )
    if not is_here or is_forwarded:
        raise NotAuthenticatedError(f"a token is needed; {_HOW}")
    host = request.headers.get("host", "")
    if not is_loopback(_host_name(host)):
        raise NotAuthenticatedError(
            f"without a token, ask for localhost or 127.0.0.1, not {host[:100]!r}; "
            f"or {_HOW}"
        )
    if not _is_same_origin(request):
        raise NotAuthenticatedError(
            f"a page of another origin asks, which needs a token; {_HOW}"
        )
    return User(name="local", role=Role.ADMIN, method="local")


def _refuse_foreign(request: Request) -> None:
    # A cookie is sent by the browser, whoever made it ask. Only its own headers tell.
    if request.method in _READING:
        return
    is_told = "origin" in request.headers or "sec-fetch-site" in request.headers
    if not is_told or not _is_same_origin(request):
        raise NotAllowedError(
            "a session may change things from the backend's own pages only; programs "
            f"{_HOW}"
        )


def _is_same_origin(request: Request) -> bool:
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return True
    # Not the scheme: a proxy before the backend may speak https for it.
    return urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower()


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
