"""JSON Schema of a strategy file, for editors and for hints."""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from typing import Any

from ktrdr.strategy.spec import Strategy
from ktrdr.strategy.tree import Path, Value

Schema = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
# Sections of a docstring that are for programmers.
_SECTION = re.compile(r"\n\n[A-Z][a-z]+\n-{3,}\n.*", re.DOTALL)


def strategy_schema() -> Schema:
    """Return the JSON Schema (2020-12) of a strategy file.

    It describes the form of single values. Whether they agree with each other,
    ``parse_strategy`` tells.
    """
    return deepcopy(_strategy_schema())


@cache
def _strategy_schema() -> Schema:
    schema: Schema = _tidy(Strategy.model_json_schema())
    return {"$schema": _DIALECT, **schema, "title": "ktrdr strategy, version 3"}


def _tidy(schema: Any) -> Any:
    # Of pydantic's output: titles that repeat the key and the keyword of another
    # standard go, names that don't fit a pattern are refused.
    if isinstance(schema, list):
        return [_tidy(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {key: _tidy(value) for key, value in schema.items()}
    if isinstance(schema.get("title"), str):
        del tidy["title"]
    if isinstance(schema.get("description"), str):
        tidy["description"] = _in_words(schema["description"])
    if "propertyName" in tidy.get("discriminator", {}):
        del tidy["discriminator"]
    if "patternProperties" in schema:
        tidy.setdefault("additionalProperties", False)
    return tidy


def _in_words(docstring: str) -> str:
    return " ".join(_SECTION.sub("", docstring).replace("``", "`").split())


def keys_at(path: Path, value: Value) -> list[str]:
    """Return the keys that the mapping at ``path`` of ``value`` may have."""
    mappings = _mappings_at(path, value)
    return list(dict.fromkeys(key for one in mappings for key in one))


def types_at(path: Path, value: Value) -> list[str]:
    """Return what ``type`` may be in the mapping at ``path`` of ``value``."""
    kinds = [one["type"] for one in _mappings_at(path, value) if "type" in one]
    return [kind["const"] for kind in kinds if "const" in kind]


def _mappings_at(path: Path, value: Value) -> list[Schema]:
    # Properties of each mapping that may stand there.
    found = list(_members(_strategy_schema(), value))
    for step in path:
        value = _child(value, step)
        found = [
            member
            for schema in found
            for inner in _inner_schemas(schema, step)
            for member in _members(inner, value)
        ]
    return [one["properties"] for one in found if "properties" in one]


def _child(value: Value, step: str | int) -> Value:
    if isinstance(value, dict) and isinstance(step, str):
        return value.get(step)
    return value[step] if isinstance(value, tuple) and isinstance(step, int) else None


def _inner_schemas(schema: Schema, step: str | int) -> Iterator[Schema]:
    if isinstance(step, int):
        yield from [schema["items"]] if "items" in schema else []
    elif step in schema.get("properties", {}):
        yield schema["properties"][step]
    else:
        yield from schema.get("patternProperties", {}).values()


def _members(schema: Schema, value: Value) -> Iterator[Schema]:
    # The members of unions, narrowed down by ``type`` where it tells.
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from _members(_strategy_schema()["$defs"][name], value)
        return
    union = schema.get("anyOf", schema.get("oneOf"))
    if union is None:
        yield schema
        return
    members = [member for one in union for member in _members(one, value)]
    kind = value.get("type") if isinstance(value, Mapping) else None
    meant = [one for one in members if _type_of(one) == kind and kind is not None]
    yield from meant or members


def _type_of(schema: Schema) -> object:
    return schema.get("properties", {}).get("type", {}).get("const")
