"""The JSON Schema against the files it is for."""

import json
import re
from collections.abc import Iterator

import pytest

from ktrdr.strategy import list_strategies, read_strategy_text, strategy_schema
from ktrdr.strategy.reader import read_tree
from ktrdr.strategy.schema import Schema, keys_at, types_at
from ktrdr.strategy.tree import Value
from tests.unit.strategy.texts import BASE, changed

SCHEMA = strategy_schema()
EXAMPLES = {path.stem: read_strategy_text(path) for path in list_strategies()}


def faults(schema: Schema, value: Value, where: str = "") -> list[str]:
    """What is wrong with ``value``: the part of JSON Schema that ours uses."""
    if "$ref" in schema:
        return faults(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], value, where)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            found = [faults(one, value, where) for one in schema[key]]
            n_fitting = sum(not one for one in found)
            fits = n_fitting == 1 if key == "oneOf" else n_fitting > 0
            return [] if fits else min(found, key=len) or [f"{where}: {key}"]
    return [
        *_faults_of_kind(schema, value, where),
        *_faults_of_mapping(schema, value, where),
        *_faults_of_list(schema, value, where),
    ]


KINDS = {
    "object": dict,
    "array": tuple,
    "string": str,
    "integer": int,
    "number": int | float,
    "boolean": bool,
    "null": type(None),
}


def _faults_of_kind(schema: Schema, value: Value, where: str) -> Iterator[str]:
    kind = schema.get("type")
    if kind and not isinstance(value, KINDS[kind]):
        yield f"{where}: not {kind}"
    if "const" in schema and value != schema["const"]:
        yield f"{where}: not {schema['const']}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: not one of the names"
    if "pattern" in schema and not re.search(schema["pattern"], str(value)):
        yield f"{where}: pattern"
    if kind in ("integer", "number") and isinstance(value, int | float):
        is_within = (
            value >= schema.get("minimum", value)
            and value <= schema.get("maximum", value)
            and value > schema.get("exclusiveMinimum", value - 1)
            and value < schema.get("exclusiveMaximum", value + 1)
        )
        if not is_within:
            yield f"{where}: out of bounds"


def _faults_of_mapping(schema: Schema, value: Value, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        return
    for key in schema.get("required", ()):
        if key not in value:
            yield f"{where}.{key}: missing"
    for key, one in value.items():
        inner = (
            [schema["properties"][key]] if key in schema.get("properties", {}) else []
        )
        inner += [
            pattern_schema
            for pattern, pattern_schema in schema.get("patternProperties", {}).items()
            if re.search(pattern, key)
        ]
        if not inner and isinstance(schema.get("additionalProperties"), dict):
            inner = [schema["additionalProperties"]]
        if not inner and schema.get("additionalProperties") is False:
            yield f"{where}.{key}: unknown"
        for schema_of_one in inner:
            yield from faults(schema_of_one, one, f"{where}.{key}")


def _faults_of_list(schema: Schema, value: Value, where: str) -> Iterator[str]:
    if not isinstance(value, tuple):
        return
    n_most = schema.get("maxItems", len(value))
    if not schema.get("minItems", 0) <= len(value) <= n_most:
        yield f"{where}: length"
    for position, one in enumerate(value):
        yield from faults(schema.get("items", {}), one, f"{where}[{position}]")


def value_of(text: str) -> Value:
    root, problems = read_tree(text)
    assert root is not None
    assert not problems
    return root.value()


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_fits(name):
    assert faults(SCHEMA, value_of(EXAMPLES[name])) == []


@pytest.mark.parametrize(
    ("replacement", "fault"),
    [
        (("name: base", "name: my base"), ".name: pattern"),
        (("version: 3", "version: 2"), ".version: not 3"),
        (("type: mlp", "type: mlp\n  depth: 3"), ".model.depth: unknown"),
        (("timeperiod: 14", "timeperiode: 14"), ".indicators.rsi.timeperiode: unknown"),
        (("timeperiod: 14", "timeperiod: 14.5"), "timeperiod: not integer"),
        (("timeperiod: 14", "timeperiod: 0"), "timeperiod: out of bounds"),
        (("type: rsi", "type: rsj"), ".indicators.rsi.type: not one of the names"),
        (("  macd: {", "  m-d: {"), ".indicators.m-d: unknown"),
        (("[30, 50]", "[30]"), ".fuzzy_sets.strength.low.parameters: length"),
        (("type: linear_z", "type: linear"), ".fuzzy_sets.strength.low.type: not"),
        (("auto: {down, up}", "auto: {down: 2, up: 3}"), ".fuzzy_sets.swing.auto: "),
        (("auto: {down, up}", "memberships: {}"), ".memberships: unknown"),
        (("base_timeframe: 1h\n", "end: 2018-01-01\n"), ".base_timeframe: missing"),
        (("horizon: 12", "horizon: 0"), "horizon: out of bounds"),
        (("stop_loss: 0.01", "stop_loss: 1"), "stop_loss: out of bounds"),
    ],
)
def test_what_the_schema_can_tell_it_tells(replacement, fault):
    found = faults(SCHEMA, value_of(changed(replacement)))
    assert any(fault in one for one in found), found


def test_base_fits():
    assert faults(SCHEMA, value_of(BASE)) == []


def test_is_json_of_the_stated_dialect_and_a_fresh_copy():
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    assert SCHEMA["$schema"].endswith("2020-12/schema")
    strategy_schema()["properties"].clear()
    assert strategy_schema()["properties"]


def test_every_part_says_what_it_is():
    parts = {
        name: part for name, part in SCHEMA["$defs"].items() if "oneOf" not in part
    }
    assert [name for name, part in parts.items() if not part.get("description")] == []
    assert "----" not in json.dumps(SCHEMA)


def test_names_for_hints_are_those_of_the_part_that_is_meant():
    value: Value = {"backtest": {"sizing": {"type": "risk"}}, "nn_inputs": ({},)}
    assert keys_at(("backtest", "sizing"), value) == ["type", "risk", "max_fraction"]
    assert keys_at(("nn_inputs", 0), value) == [
        "fuzzy_set",
        "raw_indicator",
        "timeframes",
    ]
    assert types_at(("training", "scheduler"), {}) == ["cosine", "step", "plateau"]
