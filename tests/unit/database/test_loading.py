"""What servers note about columns does not travel; all else does."""

from ktrdr.database.loading import leave_out_notes

NOTE = "ALTER TABLE ONLY ktrdr.tokens ALTER COLUMN name SET (pg_attver=12);\n"
BEFORE = f"""\
CREATE TABLE ktrdr.tokens (name text);
{NOTE}ALTER TABLE ONLY ktrdr.tokens ALTER COLUMN name SET (n_distinct=5);
{NOTE}
CREATE INDEX one ON ktrdr.tokens (name);
"""
ROWS = f"""\
COPY ktrdr.tokens (name) FROM stdin;
{NOTE}\\.
"""


def test_notes_become_comments_and_rows_stay(tmp_path):
    script = tmp_path / "statements.sql"
    script.write_text(BEFORE + ROWS)
    leave_out_notes(script)
    comment = f"--{NOTE.removeprefix('AL')}"
    assert script.read_text() == BEFORE.replace(NOTE, comment) + ROWS


def test_what_has_no_notes_is_left_as_it_is(tmp_path):
    script = tmp_path / "statements.sql"
    script.write_text(BEFORE.replace(NOTE, ""))
    leave_out_notes(script)
    assert script.read_text() == BEFORE.replace(NOTE, "")
