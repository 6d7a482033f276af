import io
import json
from pathlib import Path

import numpy as np
import pytest
import typer
from arro3.io import read_parquet

from ktrdr.backtesting import load_result, run_backtest
from ktrdr.cli import results
from ktrdr.cli.report import report
from ktrdr.progress import NoProgress
from ktrdr.settings import settings
from tests.unit.api.pipeline.conftest import API, printed
from tests.unit.backtesting.stored_models import filled_store, request_for


@pytest.fixture
def store(home):
    return filled_store(settings().store_path)


@pytest.fixture
def result(store):
    return run_backtest(request_for(settings().store_path), NoProgress())


@pytest.fixture
def loaded(store, result):
    return load_result(store, result.digest)


def test_list_is_what_the_command_lists(result, get):
    assert get("/results") == printed(results.app, "list")
    assert len(get("/results", model="two_timeframes")) == 1
    assert len(get("/results", model="two_timeframes@1")) == 1
    assert get("/results", model="two_timeframes@2") == []
    assert get("/results", offset=1) == []


def test_result_is_what_the_command_shows(result, get):
    shown = printed(results.app, "show", "latest")
    for name in ("latest", result.digest, result.digest[:8], "two_timeframes@1"):
        assert get(f"/results/{name}") == shown


def test_tables_are_those_that_are_stored(loaded, get):
    trades = get("/results/latest/trades")
    assert trades["n_rows"] == len(loaded.trades) > 0
    assert trades["columns"]["profit"] == loaded.trades.profit.tolist()
    assert trades["columns"]["entry_time"][0].endswith("Z")
    equity = get("/results/latest/equity", limit=100_000)["columns"]
    assert equity["equity"] == loaded.equity.tolist()
    assert equity["time"] == [f"{time}Z" for time in loaded.time.astype(str)]
    decisions = get("/results/latest/decisions")["columns"]
    assert decisions["target"] == loaded.decisions.target.tolist()
    assert set(decisions) > {"output_short", "output_flat", "output_long", "seen"}


def test_unknown_outputs_are_null(store, get):
    run_backtest(request_for(settings().store_path, part="all"), NoProgress())
    found = get("/results/latest/decisions", limit=1000)["columns"]["output_long"]
    assert found[0] is None
    assert found[-1] is not None


def test_pages_of_a_table_join(loaded, get):
    pages = [
        get("/results/latest/equity", offset=offset, limit=25)
        for offset in range(0, 100, 25)
    ]
    joined = [value for page in pages for value in page["columns"]["equity"]]
    assert joined == loaded.equity.tolist()
    beyond = get("/results/latest/equity", offset=10**9)
    assert beyond["columns"]["equity"] == []
    assert beyond["n_rows"] == len(loaded.equity)


def test_table_as_a_file_is_the_stored_one(store, loaded, client):
    query = {"format": "parquet", "limit": 1}
    answer = client.get(f"{API}/results/latest/equity", params=query)
    assert answer.content == store.get(loaded.manifest.equity)
    table = read_parquet(io.BytesIO(answer.content)).read_all()
    np.testing.assert_array_equal(table["equity"].to_numpy(), loaded.equity)


def test_reports_are_those_that_the_command_writes(result, client):
    app = typer.Typer()
    app.command()(report)
    files = printed(app)
    for kind in ("html", "png", "json"):
        answer = client.get(f"{API}/results/latest/report.{kind}")
        assert answer.status_code == 200
        assert answer.content == Path(files[kind]).read_bytes()
    assert answer.headers["content-type"] == "application/json"
    json.loads(answer.content)


def test_page_may_load_nothing_and_run_no_script(result, client):
    answer = client.get(f"{API}/results/latest/report.html")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script" not in policy
    assert "sandbox" in policy
    # The same as the page itself says, and more.
    assert policy.partition("; frame-ancestors")[0] in answer.text


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/results/no_such", {}, 404),
        ("/results/%00", {}, 404),
        ("/results/abcdef0", {}, 404),
        ("/results/latest/nothing", {}, 422),
        ("/results/latest/equity", {"limit": 10**7}, 422),
        ("/results/latest/equity", {"offset": 10**30}, 422),
        ("/results/latest/equity", {"format": "csv"}, 422),
        ("/results/no_such/report.png", {}, 404),
    ],
)
def test_wrong_questions_are_told(result, refused, path, query, status):
    assert refused("GET", path, params=query)["status"] == status


def test_no_results_are_told(home, get, refused):
    assert get("/results") == []
    assert "none yet" in refused("GET", "/results/latest")["detail"]
