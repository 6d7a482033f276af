"""The page of the HTTP API: the description that the backend serves, to be read."""

from collections.abc import Iterator, Mapping
from typing import Any

from ktrdr.api.main import create_app
from ktrdr.api.openapi import describe
from tools.pages.docstrings import split_docstring
from tools.pages.forms import Schema, default_of, form_of
from tools.pages.markdown import code, link, page, table

_INTRODUCTION = """\
All paths are of the backend, by default at `http://127.0.0.1:8000`. A program sends its
token as `Authorization: Bearer TOKEN`; on the backend's own machine none is needed, see
[the system](../system.md). The same description, for machines, is at
`/api/v1/openapi.json`."""
_PROBLEMS = """\
Every other answer is a `ProblemDocument` as `application/problem+json`. Its `code` is
the name in the [table of exit codes](../reference.md#exit-codes)."""
_NO_TAG = "everything else"
_Json = Mapping[str, Any]


def api_page() -> str:
    """Return the page."""
    app = create_app()
    return page("HTTP API", _parts(describe(app, app.state.accesses)))


def _parts(document: _Json) -> Iterator[str]:
    yield _INTRODUCTION
    yield _PROBLEMS
    titles = {tag["name"]: tag["description"] for tag in document["tags"]}
    by_tag: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tag = operation.get("tags", [_NO_TAG])[0]
            part = "\n\n".join(_operation(method, path, operation))
            by_tag.setdefault(tag, []).append(part)
    for tag, parts in by_tag.items():
        yield f"## {tag.capitalize()}"
        yield titles.get(tag, "")
        yield from parts
    yield "## Documents"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield from _document(name, schema)


def _operation(method: str, path: str, operation: _Json) -> Iterator[str]:
    yield f"### {method.upper()} {path}"
    yield operation.get("description") or operation["summary"]
    role = operation.get("x-least-role")
    yield f"Needs the role `{role}`." if role else "Needs no token."
    parameters = table(
        ("parameter", "where", "what it may be", "by default", "meaning"),
        (_parameter(one) for one in operation.get("parameters", ())),
    )
    if parameters:
        yield parameters
    yield table(("", "form"), _bodies(operation))


def _parameter(parameter: _Json) -> tuple[str, ...]:
    schema = parameter["schema"]
    default = "required" if parameter.get("required") else default_of(schema)
    meaning = parameter.get("description") or schema.get("description", "")
    where, form = parameter["in"], form_of(schema, _named)
    return code(parameter["name"]), where, form, default, meaning


def _bodies(operation: _Json) -> Iterator[tuple[str, str]]:
    """Yield what is sent and what comes back when all goes well."""
    if "requestBody" in operation:
        yield "request", _content(operation["requestBody"])
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            yield f"answer {status}", _content(response)


def _content(body: _Json) -> str:
    found = (_medium(*item) for item in body.get("content", {}).items())
    return " or ".join(found) or "nothing"


def _medium(medium: str, content: _Json) -> str:
    if medium != "application/json":
        return code(medium)
    return form_of(content.get("schema", {}), _named)


def _document(name: str, schema: Schema) -> Iterator[str]:
    text, meanings = split_docstring(schema.get("description", ""))
    yield f"### {name}"
    yield text
    if "properties" not in schema:
        yield form_of(schema, _named)
        return
    required = schema.get("required", ())
    yield table(
        ("key", "what it may be", "by default", "meaning"),
        (
            (
                code(key),
                form_of(value, _named),
                "required" if key in required else default_of(value),
                value.get("description") or meanings.get(key, ""),
            )
            for key, value in schema["properties"].items()
        ),
    )


def _named(name: str) -> str:
    return link(name, name)
