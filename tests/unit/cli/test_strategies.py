"""``ktrdr strategies``."""

import json

import pytest
from typer.testing import CliRunner

from ktrdr.cli.strategies import app
from ktrdr.errors import ConflictError, NotFoundError, StrategyError
from ktrdr.settings import Settings
from ktrdr.strategy import find_strategy

BAD = "name: 5\nversion: 3\nmodle: {}\n"


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    folder = tmp_path / "strategies"
    own = Settings(strategies=folder, home=tmp_path / "home")
    for module in ("files", "new"):
        monkeypatch.setattr(f"ktrdr.strategy.{module}.settings", lambda: own)
    monkeypatch.setenv("COLUMNS", "100")
    return folder


@pytest.fixture
def bad(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(BAD)
    return path


def run(*arguments: str):
    return CliRunner().invoke(app, arguments)


def document(*arguments: str):
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_list_names_the_examples():
    rows = {row["name"]: row for row in document("list")}
    assert rows["multi_timeframe"]["timeframes"] == "1h 4h 1d"
    assert rows["minimal"]["features"] == 3
    assert all(row["valid"] for row in rows.values())
    assert "momentum" in run("list").stdout


def test_list_shows_broken_files_as_such(own_folder):
    own_folder.mkdir()
    (own_folder / "broken.yaml").write_text(BAD)
    rows = {row["name"]: row for row in document("list")}
    assert rows["broken"]["valid"] is False
    assert "invalid" in run("list").stdout


def test_show_tells_parts_and_features():
    done = run("show", "momentum")
    assert done.exit_code == 0
    for word in ("macd.macdhist", "1h_strength_weak", "zigzag", "stop_loss"):
        assert word in done.stdout
    shown = document("show", "momentum")
    assert shown["strategy"]["name"] == "momentum"
    assert len(shown["digest"]) == 64
    assert "1h_day_flat" in shown["features"]


def test_show_prints_markup_as_it_is_written(tmp_path):
    path = tmp_path / "odd.yaml"
    text = find_strategy("minimal").read_text()
    path.write_text(text.replace("description: One", "description: A [bold]One[/odd]"))
    assert "A [bold]One[/odd]" in run("show", str(path)).stdout


def test_validate_says_what_is_valid():
    done = run("validate", "momentum", "trend")
    assert done.exit_code == 0
    assert done.stdout.count(": valid") == 2


def test_validate_prints_every_problem_and_leaves_with_3(bad):
    done = run("validate", "momentum", str(bad))
    assert done.exit_code == 3
    flat = " ".join(done.stdout.split())
    assert "momentum.yaml: valid" in flat
    assert "line 1: name: found 5, expected text" in flat
    assert "(did you mean model?)" in flat
    assert "the key decisions is missing" in flat


def test_validate_gives_problems_as_json(bad):
    done = run("validate", str(bad), "--json")
    assert done.exit_code == 3
    (verdict,) = json.loads(done.stdout)
    assert verdict["valid"] is False
    assert verdict["path"] == str(bad)
    assert {"path", "line", "message", "hint"} == set(verdict["problems"][0])


def test_validate_refuses_what_is_not_there():
    assert isinstance(run("validate", "nope").exception, NotFoundError)


def test_show_of_an_invalid_file_lists_its_problems(bad):
    error = run("show", str(bad)).exception
    assert isinstance(error, StrategyError)
    assert len(error.problems) > 3


def test_schema_is_one_json_document():
    done = run("schema")
    assert json.loads(done.stdout)["required"][:2] == ["name", "version"]
    assert document("schema") == json.loads(done.stdout)


def test_new_writes_a_file_that_validates(own_folder):
    done = run("new", "mine", "--from", "trend")
    assert done.exit_code == 0
    assert str(own_folder / "mine.yaml") in done.stdout.replace("\n", "")
    assert run("validate", "mine").exit_code == 0
    assert document("new", "other") == {"path": str(own_folder / "other.yaml")}


def test_new_never_overwrites():
    run("new", "mine")
    assert isinstance(run("new", "mine").exception, ConflictError)
