"""The page of the strategy grammar: its JSON Schema and the catalogue of indicators."""

from collections.abc import Iterator, Mapping

from ktrdr.strategy import strategy_schema
from tools.pages.forms import Schema, default_of, form_of, name_of, union_of
from tools.pages.indicator_tables import CATALOGUE, indicator_tables
from tools.pages.markdown import code, link, page, table

_INTRODUCTION = """\
Every key of a strategy file, what it may be and what holds when it is left out. What
the parts mean together, [strategy files](../strategies.md) tells; `ktrdr strategies
schema` prints the same as JSON Schema, for editors."""
# The parameters of all indicators are one definition; the catalogue tells them apart.
_APART = {"$ref": "#/$defs/IndicatorUse"}


def strategy_page() -> str:
    """Return the page."""
    return page("Strategy reference", _parts())


def _parts() -> Iterator[str]:
    schema = strategy_schema()
    grammar = _Grammar(schema["$defs"])
    yield _INTRODUCTION
    yield from grammar.section("", schema)
    yield from indicator_tables()


class _Grammar:
    """Sections of the page, one for each mapping that a file may hold."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions

    def section(self, path: str, schema: Schema) -> Iterator[str]:
        """Yield the section of one mapping and those of the mappings in it."""
        yield f"## {path}" if path else "## Top level"
        yield schema.get("description", "")
        members = self._mappings(schema)
        for member in members:
            yield from self._member(path, member, is_one_of_many=len(members) > 1)
        for member in members:
            for key, inner in self._inner(path, member):
                yield from self.section(key, inner)

    def _member(
        self, path: str, schema: Schema, *, is_one_of_many: bool
    ) -> Iterator[str]:
        if is_one_of_many:
            kind = schema["properties"]["type"]["const"]
            yield f"### {path}: {kind}"
            yield schema.get("description", "")
        required = schema.get("required", ())
        rows = [
            (
                code(key),
                self._form(f"{path}.{key}".lstrip("."), value),
                "required" if key in required else default_of(value),
                value.get("description") or self._target(value).get("description", ""),
            )
            for key, value in _properties(path, schema).items()
        ]
        yield table(("key", "what it may be", "by default", "meaning"), rows)

    def _form(self, path: str, schema: Schema) -> str:
        if schema == _APART:
            return f"{link('indicator', CATALOGUE)} with its parameters"
        if not self._has_section(schema):
            return form_of(self._target(schema), self._named)
        text = "list of mappings" if _is_list(schema) else "mapping"
        # Beside the mappings, which have the section.
        others = [
            form_of(one, self._named)
            for one in union_of(schema)
            if not self._has_section(one)
        ]
        return " or ".join([link(text, path), *others])

    def _named(self, name: str) -> str:
        return form_of(self._definitions[name], self._named)

    def _inner(self, path: str, schema: Schema) -> Iterator[tuple[str, Schema]]:
        for key, value in _properties(path, schema).items():
            if self._has_section(value):
                yield f"{path}.{key}".lstrip("."), self._target(value)

    def _has_section(self, schema: Schema) -> bool:
        if schema == _APART:
            return False
        return any(_properties("", one) for one in self._mappings(schema))

    def _mappings(self, schema: Schema) -> list[Schema]:
        """Return the mappings that may stand there, without ``null``."""
        schema = self._target(schema)
        found = [
            member for one in union_of(schema) for member in self._mappings(one)
        ] or [schema]
        return [one for one in found if one.get("type") == "object"]

    def _target(self, schema: Schema) -> Schema:
        """Return the definition that is meant, of a list that of its members."""
        if "$ref" in schema:
            return self._definitions[name_of(schema)]
        if _is_list(schema) and "$ref" in schema["items"]:
            return self._definitions[name_of(schema["items"])]
        return schema


def _properties(path: str, schema: Schema) -> dict[str, Schema]:
    """Return the keys of a mapping; one for all names that the author chooses."""
    name = "TERM" if path.startswith("fuzzy_sets.") else "ID"
    properties = dict(schema.get("properties", {}))
    for chosen in schema.get("patternProperties", {}).values():
        properties[name] = chosen
    return properties


def _is_list(schema: Schema) -> bool:
    return schema.get("type") == "array"
