"""The page on strategy files names every key and choice of the grammar."""

import re
from pathlib import Path

from ktrdr.strategy import strategy_schema

PAGE = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text("utf-8")


def keys_and_choices(schema: object) -> set[str]:
    """Return every property name and enumerated word below ``schema``."""
    if isinstance(schema, list):
        return set().union(*map(keys_and_choices, schema))
    if not isinstance(schema, dict):
        return set()
    words = [*schema.get("enum", ()), schema.get("const")]
    found = {*schema.get("properties", ()), *filter(None, words)}
    return found.union(*map(keys_and_choices, schema.values()))


def test_every_key_and_choice_is_on_the_page():
    words = set(re.findall(r"[A-Za-z0-9_]+", PAGE))
    schema = strategy_schema()
    # `ktrdr indicators` shows the catalogue.
    del schema["$defs"]["IndicatorUse"]
    known = {str(key) for key in keys_and_choices(schema)}
    assert {"take_profit", "cosine", "lot_step"} <= known
    assert known - words == set()
