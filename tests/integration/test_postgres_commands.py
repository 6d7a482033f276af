"""``ktrdr db``: the commands on a real database, embedded or not."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ktrdr.cli import db
from ktrdr.database import EmbeddedPostgres
from ktrdr.database.address import place_of
from ktrdr.database.migrations import known_migrations
from ktrdr.errors import ConflictError, NotFoundError
from ktrdr.settings import settings

NEWEST = known_migrations()[-1].name


def run(*arguments: str) -> str:
    result = CliRunner().invoke(db.app, arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def home(tmp_path: Path, monkeypatch) -> Iterator[Path]:
    monkeypatch.setenv("KTRDR_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.delenv("KTRDR_DATABASE_URL", raising=False)
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


@pytest.fixture
def external(home: Path, database_url: str, monkeypatch) -> str:
    monkeypatch.setenv("KTRDR_DATABASE_URL", database_url)
    settings.cache_clear()
    return database_url


def test_the_embedded_database_runs_for_as_long_as_a_command_needs_it(home: Path):
    with pytest.raises(NotFoundError, match=r"no database in .* yet"):
        run("status")
    assert not (home / "postgres").exists()
    applied = json.loads(run("upgrade", "--json"))["applied"]
    assert applied[-1] == NEWEST
    assert not EmbeddedPostgres().is_running
    assert run("upgrade") == f"Schema {NEWEST}: nothing to do.\n"
    facts = json.loads(run("status", "--json"))
    assert facts["embedded"] is True
    assert facts["was_running"] is False
    assert facts["schema"] == NEWEST
    assert facts["pending"] == []
    assert run("backup").startswith(str(home / "backups" / "ktrdr-"))
    assert not EmbeddedPostgres().is_running


def test_a_running_server_is_left_running(home: Path):
    server = EmbeddedPostgres()
    server.start()
    try:
        run("upgrade")
        assert json.loads(run("status", "--json"))["was_running"] is True
        assert server.is_running
    finally:
        server.stop("immediate")


def test_the_database_of_the_settings_is_used(home: Path, external: str):
    facts = json.loads(run("status", "--json"))
    assert facts["database"] == place_of(external)
    assert facts["embedded"] is False
    assert not (home / "postgres").exists()
    shown = run("status")
    assert NEWEST in shown
    assert external.split(":")[2].partition("@")[0] not in shown


def test_a_backup_is_restored(home: Path, external: str):
    file = home / "mine.dump"
    made = json.loads(run("backup", str(file), "--json"))
    assert made == {
        "path": str(file),
        "size_bytes": file.stat().st_size,
        "schema": NEWEST,
    }
    with pytest.raises(ConflictError, match="--replace"):
        run("restore", str(file))
    assert run("restore", str(file), "--replace").startswith(f"Restored {file}")
    document = json.loads(run("restore", str(file), "--replace", "--json"))
    assert document == {"path": str(file), "schema": NEWEST, "applied": []}
