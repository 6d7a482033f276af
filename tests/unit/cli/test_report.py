import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ktrdr import settings as settings_module
from ktrdr.backtesting import save_result
from ktrdr.backtesting.tables import decisions_table, equity_table, trades_table
from ktrdr.cli.report import report
from ktrdr.errors import NotFoundError
from ktrdr.settings import Settings
from ktrdr.storage import ArtifactStore
from tests.unit.report.results import eurusd, random_targets, result_of

BARS = eurusd(150)


@pytest.fixture
def home(tmp_path, monkeypatch):
    chosen = Settings(home=tmp_path / "home")
    monkeypatch.setattr(settings_module, "settings", lambda: chosen)
    return chosen


@pytest.fixture
def app():
    made = typer.Typer()
    made.command()(report)
    return made


def stored(home, *, seed=3, **changes):
    """Store a result as a backtest does, and return its digest."""
    store = ArtifactStore.in_folder(home.store_path)
    made = result_of(BARS, random_targets(150, seed=seed), **changes)
    tables = {
        "trades": store.put(trades_table(made.trades, BARS)),
        "equity": store.put(
            equity_table(
                BARS,
                equity=made.equity,
                hold_equity=made.hold_equity,
                drawdown=made.drawdown,
                position=made.position,
            )
        ),
        "decisions": store.put(decisions_table(BARS, made.decisions)),
    }
    return save_result(store, made.manifest.model_copy(update=tables))


def run(app, *arguments):
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0
    return done


def printed(app, *arguments):
    return json.loads(run(app, *arguments, "--json").stdout)


def test_the_latest_result_is_reported_into_the_reports_folder(home, app):
    stored(home)
    newest = stored(home, seed=4, created_at="2026-02-01T00:00:00+00:00")
    document = printed(app)
    assert document["result"] == newest
    for kind in ("html", "png", "json"):
        path = Path(document[kind])
        assert path.parent == home.reports_path
        assert path.stat().st_size > 1000
    page = Path(document["html"]).read_text()
    assert document["headline"].replace("&", "&amp;") in page


def test_results_are_found_by_digest_prefix_and_model(home, app):
    first = stored(home, strategy_name="one")
    second = stored(home, strategy_name="two", created_at="2026-02-01T00:00:00+00:00")
    third = stored(
        home,
        strategy_name="one",
        model_version=4,
        created_at="2026-03-01T00:00:00+00:00",
    )
    wanted = {
        first: first,
        second[:10]: second,
        "two": second,
        "one": third,
        "one@3": first,
        "one@4": third,
        "latest": third,
    }
    assert {text: printed(app, text)["result"] for text in wanted} == wanted


def test_files_go_where_they_are_wanted(home, app, tmp_path):
    stored(home)
    document = printed(app, "latest", "--out", str(tmp_path / "here"))
    assert Path(document["html"]).parent == tmp_path / "here"
    assert not home.reports_path.exists()


def test_the_verdict_and_the_paths_are_printed(home, app):
    stored(home, n_seen=100)
    done = run(app)
    lines = done.stdout.splitlines()
    flat = " ".join(done.stdout.split())
    assert "are in sample" in flat.replace("\u202f", " ")
    assert "The model was made from 100 of 150 bars" in flat
    pages = [line for line in lines if line.startswith("Page")]
    assert len(pages) == 1
    assert Path(pages[0].removeprefix("Page").strip()).is_file()


def test_a_model_that_is_gone_is_told_on_stderr(home, app):
    stored(home)
    done = run(app, "--json")
    assert "Without the model's membership functions" in done.stderr
    assert "membership" not in done.stdout


def test_the_page_is_opened_on_request_only(home, app, monkeypatch):
    stored(home)
    opened: list[str] = []
    monkeypatch.setattr(typer, "launch", opened.append)
    document = printed(app)
    assert opened == []
    printed(app, "--open")
    assert opened == [Path(document["html"]).as_uri()]


def test_an_unknown_result_is_an_error_that_names_what_there_is(home, app):
    digest = stored(home)
    with pytest.raises(NotFoundError, match=digest[:12]):
        run(app, "nothing")
