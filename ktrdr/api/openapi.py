"""The description of the API: what FastAPI knows, with roles, problems and examples."""

from collections.abc import Iterator, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from ktrdr.api.access import RouteAccess
from ktrdr.api.examples import EXAMPLES, PROBLEMS
from ktrdr.api.problems import MEDIA_TYPE
from ktrdr.schemas import ProblemDocument

_Json = dict[str, Any]

_DESCRIPTION = """\
Research neuro-fuzzy trading strategies: train, backtest, sweep, follow.

All that takes long is an *operation*: starting it answers at once with where it is;
follow it with its events, read its result when it has ended. Errors are
`application/problem+json` with a stable `code`.
"""
_TAGS = [
    {"name": "start", "description": "Start operations."},
    {"name": "operations", "description": "Look at operations, follow, stop, resume."},
    {"name": "system", "description": "Health, builds, workers, metrics."},
    {"name": "access", "description": "Tokens and sessions."},
]
_SCHEMES = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token, made with `ktrdr auth create`.",
    },
    "session": {"type": "apiKey", "in": "cookie", "name": "ktrdr_session"},
}
_REF = "#/components/schemas/"


def describe(app: FastAPI, routes: Sequence[RouteAccess]) -> _Json:
    """Return the OpenAPI document of ``app``; takes some tenths of a second."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=_DESCRIPTION,
        routes=app.routes,
        tags=_TAGS,
    )
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas |= _schemas_of_problems()
    for name, example in EXAMPLES.items():
        if name in schemas:
            schemas[name]["examples"] = [example]
    document["components"]["securitySchemes"] = _SCHEMES
    document["components"]["responses"] = {
        "Problem": _problem_response("Anything else that went wrong."),
        **{
            f"Problem{status}": _problem_response(example["title"], example)
            for status, example in PROBLEMS.items()
        },
    }
    for route in routes:
        for operation in _operations(document, route):
            _complete(operation, route)
    return document


def _operations(document: _Json, route: RouteAccess) -> Iterator[_Json]:
    methods = document["paths"].get(route.path, {})
    for method in route.methods:
        if method.lower() in methods:
            yield methods[method.lower()]


def _complete(operation: _Json, route: RouteAccess) -> None:
    operation["security"] = (
        [{name: []} for name in _SCHEMES] if route.role is not None else []
    )
    if route.role is not None:
        operation["x-least-role"] = route.role.value
    responses = operation["responses"]
    responses.pop("422", None)
    for status in _statuses(operation, route):
        reference = {"$ref": f"#/components/responses/Problem{status}"}
        responses.setdefault(str(status), reference)
    responses["default"] = {"$ref": "#/components/responses/Problem"}


def _statuses(operation: _Json, route: RouteAccess) -> Iterator[int]:
    if route.role is not None:
        yield from (401, 403)
    has_path = any(one["in"] == "path" for one in operation.get("parameters", ()))
    if has_path:
        yield 404
    if has_path or "post" in {method.lower() for method in route.methods}:
        yield 409
    if "requestBody" in operation:
        yield from (400, 413)
    if "requestBody" in operation or "parameters" in operation:
        yield 422
    yield 503


def _problem_response(description: str, example: _Json | None = None) -> _Json:
    content: _Json = {"schema": {"$ref": f"{_REF}ProblemDocument"}}
    if example is not None:
        content["example"] = example
    return {"description": description, "content": {MEDIA_TYPE: content}}


def _schemas_of_problems() -> _Json:
    schema = ProblemDocument.model_json_schema(
        ref_template=_REF + "{model}", mode="serialization"
    )
    return {**schema.pop("$defs"), "ProblemDocument": schema}
