"""Every error as ``application/problem+json``."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from ktrdr.api.log import log
from ktrdr.errors import (
    KtrdrError,
    NotAuthenticatedError,
    StrategyError,
    handling_of,
    is_defect,
    message_of,
)
from ktrdr.schemas import ProblemDocument, ProblemItem

MEDIA_TYPE = "application/problem+json"
_MAX_ITEMS = 100
_CODES = {
    400: "input_invalid",
    401: "not_authenticated",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "media_type_unsupported",
    422: "input_invalid",
    429: "too_many_requests",
    500: "internal",
}
_UNEXPECTED = (
    "the backend failed unexpectedly; its log tells more under this request_id. "
    "This is a defect of ktrdr: please report it"
)


class Refused(KtrdrError):
    """Another error, told with a status that fits the request better.

    What a body names and does not exist is a fault of the body, say, while the
    status 404 would mean the route.
    """

    def __init__(self, reason: KtrdrError, status: int) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.status = status


def add_handlers(app: FastAPI) -> None:
    """Let ``app`` answer every error with a problem document."""
    app.add_exception_handler(KtrdrError, _expected)
    app.add_exception_handler(OSError, _expected)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def problem_of(error: Exception, request_id: str) -> Response:
    """Return the answer that tells ``error``; a defect's text is kept back."""
    reason = error.reason if isinstance(error, Refused) else error
    handling = handling_of(reason)
    is_unknown = isinstance(reason, NotAuthenticatedError)
    return problem(
        error.status if isinstance(error, Refused) else handling.http_status,
        handling.code,
        _UNEXPECTED if is_defect(reason) else message_of(reason),
        request_id,
        items=_strategy_items(reason),
        headers={"WWW-Authenticate": "Bearer"} if is_unknown else None,
    )


def problem(
    status: int,
    code: str,
    detail: str,
    request_id: str,
    *,
    items: Iterable[ProblemItem] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return an answer that tells what went wrong."""
    document = ProblemDocument(
        type=f"urn:ktrdr:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        problems=tuple(items),
        request_id=request_id,
    )
    return Response(
        # What was sent may hold half of a surrogate pair, which JSON can only escape.
        document.model_dump_json(ensure_ascii=True),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def request_id_of(request: Request) -> str:
    """Return the id under which the log tells of ``request``."""
    return str(getattr(request.state, "request_id", ""))


async def _expected(request: Request, error: Exception) -> Response:
    response = problem_of(error, request_id_of(request))
    if response.status_code >= 500:
        log().warning("request failed", reason=message_of(error))
    return response


async def _invalid(request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else ()
    items = [_validation_item(one) for one in found[:_MAX_ITEMS]]
    count = len(found)
    detail = (
        f"the request has {count} problem{'' if count == 1 else 's'}: "
        + "; ".join(f"{item.path}: {item.message}" for item in items[:5])
    )
    return problem(422, "input_invalid", detail, request_id_of(request), items=items)


async def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = str(error.detail) if isinstance(error, HTTPException) else ""
    headers = error.headers if isinstance(error, HTTPException) else None
    if status == 404:
        detail = f"there is nothing at {request.url.path[:200]}"
    elif status == 405:
        detail = f"{request.method[:20]} is not possible at {request.url.path[:200]}"
    code = _CODES.get(status, "input_invalid" if status < 500 else "internal")
    return problem(status, code, detail, request_id_of(request), headers=headers)


def _strategy_items(error: Exception) -> list[ProblemItem]:
    if not isinstance(error, StrategyError):
        return []
    return [
        ProblemItem(path=one.path, message=one.message, line=one.line, hint=one.hint)
        for one in error.problems
    ]


def _validation_item(found: Mapping[str, Any]) -> ProblemItem:
    path = ".".join(str(step) for step in found["loc"])
    return ProblemItem(path=path[:500], message=str(found["msg"])[:1000])
