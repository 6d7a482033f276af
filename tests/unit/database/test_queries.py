"""SQL has names, and a file of it can't be misread in silence."""

from pathlib import Path

import pytest

from ktrdr.database import NamedQueries, load_queries

TEXT = """-- Statements of a test.

-- first_one: Take one.
-- It goes on.
SELECT 1;

-- second: Take two,
-- not: a header, as no empty line stands before it.
SELECT 2
-- what: a comment within

  + 0
"""


def test_statements_are_found_by_their_names():
    queries = NamedQueries(TEXT)
    assert list(queries) == ["first_one", "second"]
    assert queries["first_one"] == "-- It goes on.\nSELECT 1"
    assert "SELECT 2" in queries["second"]
    assert queries["second"].endswith("+ 0")


def test_a_missing_name_is_told_with_the_file():
    with pytest.raises(KeyError, match=r"my\.sql has no statement named other"):
        NamedQueries(TEXT, source="my.sql")["other"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT 0;\n\n-- a: b\nSELECT 1", "before the first name"),
        ("-- a: b\nSELECT 1\n\n-- a: c\nSELECT 2", "named twice: a"),
        ("-- a: b\n\n-- c: d\nSELECT 2", "without statement: a"),
    ],
)
def test_a_file_that_can_be_misread_is_refused(text: str, message: str):
    with pytest.raises(ValueError, match=message):
        NamedQueries(text)


def test_queries_are_loaded_from_the_files_of_a_package(tmp_path: Path, monkeypatch):
    package = tmp_path / "room_of_test"
    (package / "sql").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "sql" / "things.sql").write_text("-- one: It.\nSELECT 1;\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert load_queries("room_of_test", "sql", "things.sql")["one"] == "SELECT 1"
