"""What a JSON Schema demands of a value, in words."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tools.pages.markdown import code

Schema = Mapping[str, Any]
# How the name of a definition is shown.
Naming = Callable[[str], str]

_NUMBERS = (
    ("minimum", "at least"),
    ("exclusiveMinimum", "above"),
    ("maximum", "at most"),
    ("exclusiveMaximum", "below"),
)
_PLAIN = {
    "string": "text",
    "boolean": "`true` or `false`",
    "null": "`null`",
    "object": "mapping",
}
_TEXTS = {
    "date-time": "time, ISO 8601",
    "uuid": "UUID",
    "binary": "file",
}


def form_of(schema: Schema, naming: Naming) -> str:
    """Return what a value has to be."""
    if "$ref" in schema:
        return naming(name_of(schema))
    members = union_of(schema)
    if members:
        return _either([form_of(one, naming) for one in members])
    if "const" in schema:
        return code(shown(schema["const"]))
    if "enum" in schema:
        return _either([code(shown(one)) for one in schema["enum"]])
    return _form_of_kind(schema, naming)


def name_of(reference: Schema) -> str:
    """Return the name of the definition that a ``$ref`` leads to."""
    return str(reference["$ref"]).rpartition("/")[2]


def union_of(schema: Schema) -> Sequence[Schema]:
    """Return the members of a union, none if it is no union."""
    members: Sequence[Schema] = schema.get("anyOf", schema.get("oneOf", ()))
    return members


def default_of(schema: Schema) -> str:
    """Return what holds when the value is left out, empty if nothing is told."""
    default = schema.get("default")
    if isinstance(default, Mapping) and default:
        # Its parts tell their own; which kind it is, only this does.
        return code(default["type"]) if "type" in default else "as its keys tell"
    return "" if default is None else code(shown(default))


def shown(value: object) -> str:
    """Return a value as JSON writes it, texts without their quotes."""
    return value if isinstance(value, str) and value else json.dumps(value)


def _form_of_kind(schema: Schema, naming: Naming) -> str:
    kind = schema.get("type")
    if kind in ("integer", "number"):
        return ", ".join([_number(str(kind)), *_bounds(schema)])
    if kind == "array":
        return _list(schema, naming)
    if kind == "object":
        values = _values(schema)
        return f"mapping to {form_of(values, naming)}" if values else "mapping"
    if kind == "string" and schema.get("format") in _TEXTS:
        return _TEXTS[str(schema["format"])]
    return _PLAIN.get(str(kind), "anything")


def _number(kind: str) -> str:
    return "whole number" if kind == "integer" else "number"


def _bounds(schema: Schema) -> list[str]:
    return [f"{words} {schema[key]:,.15g}" for key, words in _NUMBERS if key in schema]


def _list(schema: Schema, naming: Naming) -> str:
    # A tuple names the form of each member instead.
    items = schema.get("items") or {"oneOf": schema.get("prefixItems", ())}
    form = form_of(items, naming)
    form = f"({form})" if ", " in form else form
    least, most = schema.get("minItems"), schema.get("maxItems")
    if least is not None and least == most:
        return f"list of {least}: {form}"
    return f"list of {form}, {least} or more" if least else f"list of {form}"


def _values(schema: Schema) -> Schema | None:
    patterns = schema.get("patternProperties")
    values = next(iter(patterns.values())) if patterns else None
    others = schema.get("additionalProperties")
    # As `true` or `false` it tells whether there may be others, not what they are.
    return values or (others if isinstance(others, Mapping) else None)


def _either(forms: Sequence[str]) -> str:
    *others, last = dict.fromkeys(forms)
    return f"{', '.join(others)} or {last}" if others else last
