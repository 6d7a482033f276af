import json

import pytest
import typer
from typer.testing import CliRunner

from ktrdr.backtesting import list_results, load_result_manifest
from ktrdr.cli import results
from ktrdr.cli.backtest import backtest
from ktrdr.cli.rerun import rerun
from ktrdr.errors import DataError, InputError, NotFoundError
from ktrdr.settings import settings
from ktrdr.storage import parse_digest
from tests.builders import random_bars
from tests.unit.backtesting.stored_models import filled_store, save_bars

app = typer.Typer()
app.command()(backtest)
app.command()(rerun)
app.add_typer(results.app, name="results")


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("KTRDR_HOME", str(tmp_path))
    settings.cache_clear()
    yield filled_store(tmp_path / "store")
    settings.cache_clear()


def run(*arguments, exit_code=0):
    outcome = CliRunner().invoke(app, arguments)
    if outcome.exception and not isinstance(outcome.exception, SystemExit):
        raise outcome.exception
    assert outcome.exit_code == exit_code, outcome.output
    return outcome.stdout


def run_json(*arguments, exit_code=0):
    return json.loads(run(*arguments, "--json", exit_code=exit_code))


def test_backtest_prints_what_came_out_and_what_to_do_next(store):
    text = run("backtest", "two_timeframes", "--resamples", "100")
    digest = list_results(store)[-1].digest
    for expected in (
        "two_timeframes@1 on TEST 1h",
        "2020-01-16 00:00 to 2020-01-18 11:00 UTC, 60 bars",
        "Out of sample: the model had seen none of these bars (60 in the test part)",
        "95% interval",
        "buy and hold",
        "Sharpe ratio",
        "Random entries, 100 runs",
        "touched both stop and target",
        "4 times",
        f"Next: ktrdr report {digest[:12]}",
    ):
        assert expected in text


def test_bars_that_the_model_has_seen_are_announced(store):
    text = " ".join(
        run("backtest", "two_timeframes", "--part", "all", "--resamples", "100").split()
    )
    assert "IN SAMPLE: the model had seen 80% of these bars" in text
    assert "180 in the training part, 60 in the validation part" in text


def test_json_is_one_document_with_the_stored_manifest(store):
    found = run_json("backtest", "two_timeframes", "--resamples", "100")
    stored = load_result_manifest(store, parse_digest(found["digest"]))
    assert found["manifest"] == stored.model_dump(mode="json")


def test_a_run_without_trades_is_shown_without_rows_of_dashes(store):
    text = run(
        "backtest", "two_timeframes", "--start", "2020-01-06", "--end", "2020-01-07"
    )
    assert "Profit factor" not in text
    assert "Random entries: nothing to compare" in text


def test_results_are_listed_and_shown_again(store):
    assert run("results", "list") == ""
    first = run("backtest", "two_timeframes", "--resamples", "100")
    digest = list_results(store)[-1].digest
    assert digest[:12] in run("results", "list", "--model", "two_timeframes")
    assert run_json("results", "list", "--model", "another") == []
    assert run("results", "show", digest[:10]) == first
    assert run("results", "show") == first
    assert run_json("results", "show", "two_timeframes@1")["digest"] == digest


class TestRerun:
    def test_of_the_same_code_and_data_is_identical_and_leaves_nothing(
        self, store, tmp_path
    ):
        run("backtest", "two_timeframes", "--resamples", "100")
        before = sorted(tmp_path.iterdir())
        text = run("rerun", "latest")
        assert "Identical: the backtest gave the same tables and measures" in text
        assert "The environment is the same" in text
        assert len(list_results(store)) == 1
        assert sorted(tmp_path.iterdir()) == before

    @pytest.mark.slow
    def test_is_kept_when_asked_to(self, store):
        run("backtest", "two_timeframes", "--resamples", "100")
        run("rerun", "latest", "--keep")
        first, second = list_results(store)
        assert first.digest != second.digest

    @pytest.mark.slow
    def test_tells_what_differs_and_fails(self, store, tmp_path):
        found = run_json("backtest", "two_timeframes", "--resamples", "100")
        manifest = found["manifest"]
        manifest["trades"] = "0" * 64
        manifest["measures"]["sharpe"]["value"] = 1234.5
        manifest["environment"]["numpy"] = "1.0.0"
        file = tmp_path / "manifest.json"
        file.write_text(json.dumps(manifest))
        report = run_json("rerun", str(file), exit_code=1)
        assert report["kind"] == "backtest"
        assert report["is_identical"] is False
        assert {one["path"] for one in report["results"]} == {
            "trades",
            "measures.sharpe.value",
        }
        (environment,) = report["environments"]
        assert environment["path"] == "numpy"
        assert environment["before"] == "1.0.0"
        text = run("rerun", str(file), exit_code=1)
        assert "NOT identical: 2 values differ" in text
        assert "1234.5" in text

    @pytest.mark.slow
    def test_uses_the_pinned_data_whatever_came_later(self, store):
        run("backtest", "two_timeframes", "--resamples", "100")
        save_bars(store, random_bars(320, seed=5))
        assert "Identical" in run("rerun", "latest")

    def test_of_nothing_known_says_where_to_look(self, store):
        with pytest.raises(NotFoundError, match="ktrdr results list"):
            run("rerun", "nothing_known")

    @pytest.mark.slow
    def test_takes_a_file_with_what_commands_print(self, store, tmp_path):
        found = run_json("backtest", "two_timeframes", "--resamples", "100")
        numbers = {"result": found["digest"], "verdict": {}, **found["manifest"]}
        file = tmp_path / "printed.json"
        for printed in (found, run_json("results", "show"), numbers):
            file.write_text(json.dumps(printed))
            assert "Identical" in run("rerun", str(file))

    @pytest.mark.parametrize("text", ["x" * 300, "a\0b", ""])
    def test_of_what_can_be_no_path_says_where_to_look(self, store, text):
        with pytest.raises(NotFoundError, match="ktrdr results list"):
            run("rerun", text)

    @pytest.mark.parametrize("content", [b"root:x:0:0", b"\xff\xfe", b"[" * 100_000])
    def test_of_a_file_that_is_no_json_is_refused(self, store, tmp_path, content):
        file = tmp_path / "other.json"
        file.write_bytes(content)
        with pytest.raises(InputError, match=r"other\.json is no JSON document"):
            run("rerun", str(file))

    def test_of_a_file_that_is_no_manifest_is_refused(self, store, tmp_path):
        file = tmp_path / "other.json"
        file.write_text('{"a": 1}')
        with pytest.raises(DataError, match=r"other\.json"):
            run("rerun", str(file))


def test_results_of_an_unknown_model_are_none_of_that_model(store):
    outcome = CliRunner().invoke(app, ["results", "list", "--model", "nothing"])
    assert "no results of nothing" in outcome.stderr
