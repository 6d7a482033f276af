import asyncio
import io
from time import sleep

import numpy as np
import pytest
from arro3.io import read_parquet

from ktrdr.api.services import data_service
from ktrdr.cli import data
from ktrdr.data import BarStore, bars_to_parquet, sample_bars
from ktrdr.errors import InputError
from tests.builders import random_bars
from tests.unit.api.conftest import client_of
from tests.unit.api.pipeline.conftest import API, printed


def csv_of(bars, separator=","):
    rows = [separator.join(["time", "open", "high", "low", "close", "volume"])]
    for row in range(len(bars)):
        cells = [str(bars.time[row])[:19]]
        cells += [
            repr(float(getattr(bars, name)[row]))
            for name in ("open", "high", "low", "close", "volume")
        ]
        rows.append(separator.join(cells))
    return "\n".join(rows).encode()


@pytest.fixture
def sample(post):
    return post("/data/sample")


def upload(client, content, **query):
    return client.post(f"{API}/data/imports", content=content, params=query)


def test_import_answers_what_the_command_prints(client, home, tmp_path):
    bars = random_bars(50, start="2020-01-06T00:00")
    answer = upload(client, csv_of(bars), name="GOLD_1h.csv")
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["is_new"]
    file = tmp_path / "GOLD_1h.csv"
    file.write_bytes(csv_of(bars))
    again = printed(data.app, "import", str(file))
    assert not again.pop("is_new")
    del document["is_new"]
    assert document == again


def test_options_say_what_the_file_does_not(client):
    bars = random_bars(20)
    content = csv_of(bars, ";").replace(b"close", b"last price")
    said = {"symbol": "btc/usdt", "timeframe": "1h", "column": ["close=last price"]}
    document = upload(client, content, **said).json()
    assert document["snapshot"]["symbol"] == "BTC/USDT"
    assert document["snapshot"]["n_bars"] == 20


def test_faulty_file_is_refused_with_what_is_wrong_and_repaired_if_asked(client, store):
    lines = csv_of(random_bars(20)).split(b"\n")
    faulty = b"\n".join([*lines[:10], lines[9], *lines[10:]])
    problem = upload(client, faulty, symbol="TEST")
    assert problem.status_code == 422
    assert problem.json()["code"] == "data_invalid"
    assert "repeats another row" in problem.json()["detail"]
    assert BarStore(store).list() == []
    mended = upload(client, faulty, symbol="TEST", repair=True).json()
    assert [one["kind"] for one in mended["changes"]] == ["duplicate_removed"]


@pytest.mark.parametrize(
    ("content", "query", "status"),
    [
        (b"", {}, 422),
        (b"\0\1\2", {"symbol": "A"}, 422),
        (b"PAR1", {"symbol": "A"}, 422),
        (b"hello", {"symbol": "A", "timeframe": "2h"}, 422),
        (b"hello", {"unknown": "1"}, 422),
        (b"hello", {"column": "open"}, 422),
        (csv_of(random_bars(20)), {"symbol": "A\0B"}, 422),
        (csv_of(random_bars(20)), {"symbol": "A", "calendar": "NOWHERE"}, 422),
        (csv_of(random_bars(20)), {"symbol": "A", "timezone": "../../etc/passwd"}, 422),
        (csv_of(random_bars(20)), {"symbol": "A", "time_format": "\0%Q"}, 422),
        (csv_of(random_bars(20)), {"name": "../../etc/\0passwd"}, 422),
    ],
)
def test_what_can_not_be_imported_is_refused(client, content, query, status):
    answer = upload(client, content, **query)
    assert answer.status_code == status, answer.text


def test_upload_beyond_the_limit_is_refused(client, monkeypatch):
    config = client.app.state.backend.config.model_copy(update={"max_upload_mb": 1})
    client.app.state.backend.config = config
    answer = upload(client, b"x" * (1024 * 1024 + 1), symbol="A")
    assert answer.status_code == 413
    # More than other bodies may have is fine below the limit.
    assert upload(client, b"x" * (1024 * 1024), symbol="A").status_code == 422


def test_sample_is_listed_shown_and_checked_as_by_the_commands(sample, get, home):
    assert sample["snapshot"]["n_bars"] == 6225
    assert get("/data") == printed(data.app, "list") == [sample["snapshot"]]
    assert get("/data/eurusd") == printed(data.app, "provenance", "EURUSD")
    assert get("/data/EURUSD/quality") == printed(data.app, "check", "EURUSD")


def test_bars_are_those_that_the_command_prints(sample, get):
    page = get("/data/EURUSD/bars", **{"from": "2017-03-01", "to": "2017-03-02"})
    shown = printed(
        data.app, "show", "EURUSD", "--from", "2017-03-01", "--to", "2017-03-02"
    )
    columns = dict(zip(shown["columns"], zip(*shown["rows"], strict=True), strict=True))
    assert {name: tuple(page[name]) for name in columns} == columns
    assert page["snapshot"] == shown["snapshot"]
    assert (page["n_bars"], page["next"]) == (24, None)


def test_pages_joined_are_all_bars(sample, get):
    times: list[str] = []
    start: str | None = "2017-11-01"
    while start is not None:
        page = get("/data/EURUSD/bars", **{"from": start, "limit": 300})
        times += page["time"]
        start = page["next"]
    bars = sample_bars()
    expected = bars.time[bars.time >= np.datetime64("2017-11-01")]
    assert times == [f"{time}Z" for time in expected.astype(str)]


def test_the_last_bars_are_the_newest(sample, get):
    page = get("/data/EURUSD/bars", last=3)
    assert page["close"] == sample_bars().close[-3:].tolist()
    assert page["next"] is None
    assert page["n_bars"] == 6225


def test_range_without_bars_is_an_empty_page(sample, get, client):
    page = get("/data/EURUSD/bars", **{"from": "2030-01-01"})
    assert (page["time"], page["n_bars"], page["next"]) == ([], 0, None)
    for form in ("csv", "parquet"):
        query = {"from": "2030-01-01", "format": form}
        answer = client.get(f"{API}/data/EURUSD/bars", params=query)
        assert answer.status_code == 200


def test_bars_come_as_files(sample, client):
    def file(form):
        query = {"last": 5, "format": form}
        return client.get(f"{API}/data/EURUSD/bars", params=query)

    bars = sample_bars()[-5:]
    assert file("parquet").content == bars_to_parquet(bars)
    lines = file("csv").text.splitlines()
    assert lines[0] == "time,open,high,low,close,volume"
    assert len(lines) == 6
    assert [float(line.split(",")[4]) for line in lines[1:]] == bars.close.tolist()
    assert file("csv").headers["content-type"].startswith("text/csv")


@pytest.mark.parametrize("symbol", ["BTC/USDT", "BRK.B", "^GSPC", "EUR=X", "ES#F"])
def test_symbols_of_every_form_have_routes(client, get, symbol):
    upload(client, csv_of(random_bars(30)), symbol=symbol)
    quoted = symbol.replace("/", "%2F").replace("#", "%23")
    assert get(f"/data/{quoted}/bars", last=1)["snapshot"]["symbol"] == symbol
    assert get(f"/data/{quoted}")["symbol"] == symbol
    assert get(f"/data/{quoted}/gaps")["gaps"] == []


def test_gaps_of_one_kind_longest_first(sample, get):
    document = get("/data/EURUSD/gaps", kind="closed", limit=2)
    assert len(document["gaps"]) == 2
    assert document["n_gaps"] == 50
    quality = get("/data/EURUSD/quality")
    assert document["n_gaps"] == quality["counts"]["gaps, closed"]


def test_resample_stores_longer_bars_as_the_command_does(sample, post, get, home):
    document = post("/data/EURUSD/resample", {"to": "4h"})
    assert document["snapshot"]["timeframe"] == "4h"
    assert document == printed(data.app, "resample", "EURUSD", "--to", "4h")
    assert [one["timeframe"] for one in get("/data")] == ["1h", "4h"]
    page = get("/data/EURUSD/bars", timeframe="4h", last=1)
    assert page["snapshot"] == document["snapshot"]


def test_list_is_bounded(sample, post, get):
    post("/data/EURUSD/resample", {"to": "4h"})
    assert len(get("/data", limit=1)) == 1
    assert get("/data", offset=1)[0]["timeframe"] == "4h"


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/data/NOSUCH/bars", {}, 404),
        ("/data/NOSUCH", {}, 404),
        ("/data/not%20a%20symbol/bars", {}, 422),
        ("/data/%00/bars", {}, 422),
        ("/data/EURUSD/bars", {"from": "yesterday"}, 422),
        ("/data/EURUSD/bars", {"to": "\0"}, 422),
        ("/data/EURUSD/bars", {"timeframe": "7h"}, 422),
        ("/data/EURUSD/bars", {"timeframe": "1m"}, 404),
        ("/data/EURUSD/bars", {"limit": 0}, 422),
        ("/data/EURUSD/bars", {"limit": 10**30}, 422),
        ("/data/EURUSD/quality", {"calendar": "NOWHERE"}, 422),
        ("/data/EURUSD/gaps", {"kind": "none"}, 422),
        ("/data", {"offset": -1}, 422),
    ],
)
def test_wrong_questions_are_told(sample, refused, path, query, status):
    assert refused("GET", path, params=query)["status"] == status


@pytest.mark.parametrize(
    "moment", ["0001-01-01", "9999-12-31T23:59:59+00:00", "0001-01-01T00:00+23:59"]
)
def test_times_at_the_ends_of_the_calendar_are_times(sample, get, moment):
    get("/data/EURUSD/bars", **{"from": moment, "to": moment})


def test_shorter_bars_can_not_be_made(sample, refused):
    problem = refused("POST", "/data/EURUSD/resample", json={"to": "5m"})
    assert problem["code"] == "input_invalid"


def test_parquet_is_read_by_others(sample, client):
    query = {"last": 5, "format": "parquet"}
    content = client.get(f"{API}/data/EURUSD/bars", params=query).content
    assert read_parquet(io.BytesIO(content)).read_all().num_rows == 5


@pytest.mark.anyio
async def test_files_are_read_one_at_a_time(client, monkeypatch):
    running: list[bool] = []
    together: list[int] = []

    def read(*_):
        running.append(True)
        # Long enough for the others to come, were they let in.
        sleep(0.1)
        together.append(len(running))
        running.pop()
        raise InputError("enough")

    monkeypatch.setattr(data_service, "import_upload", read)
    async with client_of(client.app) as asking:
        sent = [asking.post(f"{API}/data/imports", content=b"x") for _ in range(4)]
        answers = await asyncio.gather(*sent)
    assert {one.status_code for one in answers} == {422}
    assert together == [1] * 4
