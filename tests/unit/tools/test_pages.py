"""How the code's descriptions become pages."""

from typing import Annotated

import pytest
import typer

from tools.pages.command_page import command_page
from tools.pages.docstrings import split_docstring
from tools.pages.forms import default_of, form_of
from tools.pages.markdown import link, page, slug, table


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"const": 3}, "`3`"),
        ({"enum": ["a", "b", "c"]}, "`a`, `b` or `c`"),
        ({"type": "string"}, "text"),
        ({"type": "string", "format": "date-time"}, "time, ISO 8601"),
        ({"type": "boolean"}, "`true` or `false`"),
        ({}, "anything"),
        ({"type": "object", "additionalProperties": True}, "mapping"),
        (
            {"type": "object", "additionalProperties": {"type": "integer"}},
            "mapping to whole number",
        ),
        (
            {"type": "number", "exclusiveMinimum": 0, "maximum": 1e9},
            "number, above 0, at most 1,000,000,000",
        ),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text or `null`"),
        ({"oneOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}]}, "<A> or <B>"),
        ({"type": "array", "items": {"type": "string"}}, "list of text"),
        (
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "list of text, 1 or more",
        ),
        (
            {"type": "array", "items": {"type": "integer", "minimum": 1}},
            "list of (whole number, at least 1)",
        ),
        (
            {"type": "array", "items": {}, "minItems": 3, "maxItems": 3},
            "list of 3: anything",
        ),
        (
            {"type": "array", "prefixItems": [{"type": "number"}, {"type": "string"}]},
            "list of number or text",
        ),
    ],
)
def test_what_a_schema_demands_is_told_in_words(schema, words):
    assert form_of(schema, lambda name: f"<{name}>") == words


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({}, ""),
        ({"default": None}, ""),
        ({"default": 0}, "`0`"),
        ({"default": False}, "`false`"),
        ({"default": ""}, '`""`'),
        ({"default": "all"}, "`all`"),
        ({"default": {"a": 1}}, "as its keys tell"),
        ({"default": {"type": "units", "units": 1}}, "`units`"),
    ],
)
def test_what_holds_by_default_is_told(schema, words):
    assert default_of(schema) == words


def test_docstring_is_taken_apart():
    text, meanings = split_docstring(
        "One line\nof ``it``.\n\nMore.\n\nAttributes\n----------\nid : str\n"
        "    Ten\n    letters.\nlow, high : float or None\n    An interval.\n"
        "state : str\n\nNotes\n-----\nother : str\n    Not an attribute.\n"
    )
    assert text == "One line of `it`.\n\nMore."
    assert meanings == {
        "id": "Ten letters.",
        "low": "An interval.",
        "high": "An interval.",
    }


def test_cell_of_a_table_can_hold_bars_and_breaks():
    assert table(("a", "b"), [("x | y", "two\nlines")]) == (
        "| a | b |\n|---|---|\n| x \\| y | two lines |"
    )


def test_table_without_rows_is_nothing():
    assert table(("a",), []) == ""


def test_anchor_is_the_one_that_readers_of_markdown_make():
    assert slug("GET /api/v1/data/{symbol}") == "get-apiv1datasymbol"
    assert slug("`fuzzy_sets`.ID") == "fuzzy_setsid"
    assert link("it", "Exit codes") == "[it](#exit-codes)"


def test_page_says_who_writes_it():
    assert page("Title", ["one", "", "two"]) == (
        "# Title\n\n<!-- `make pages` writes this page. -->\n\none\n\ntwo\n"
    )


def test_page_of_a_command_tells_what_its_help_tells():
    app, inner = typer.Typer(help="The program."), typer.Typer(help="A group.")

    @inner.command()
    def go(
        where: str, times: Annotated[int, typer.Option(min=1, help="How often.")] = 2
    ) -> None:
        """Go there."""

    @inner.command(hidden=True)
    def secret() -> None:
        """Not told."""

    app.add_typer(inner, name="walk")
    made = command_page("dog", app)
    assert "### dog walk go\n\nGo there.\n\n```text\ndog walk go [OPTIONS] {WHERE}" in (
        made.replace("{where}", "{WHERE}")
    )
    assert "| How often. [default: 2; x>=1] |" in made
    assert "A group." in made
    assert "Not told." not in made
    assert "--help" not in made
