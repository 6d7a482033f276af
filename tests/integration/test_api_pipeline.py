"""Data, strategies and models through a real server, as a program at home uses it."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest

from ktrdr.data import bars_from_parquet, bars_to_parquet, sample_bars
from tests.builders import random_bars
from tests.integration.backend_process import running_backend
from tests.unit.backtesting.stored_models import filled_store
from tests.unit.features.strategies import two_timeframes_text

pytestmark = pytest.mark.slow

_MB = 1024 * 1024


@pytest.fixture(scope="module")
def database_url(postgres_server):
    with postgres_server.database() as url:
        yield url


@pytest.fixture(scope="module")
def api(database_url, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    filled_store(home / "store")
    with running_backend(home, database_url, KTRDR_MAX_UPLOAD_MB="8") as backend:
        backend.wait_ready()
        with httpx.Client(base_url=f"{backend.url}/api/v1", timeout=60) as client:
            yield client


def chunked(data, size=64 * 1024):
    # Sent without a length, so that only counting can tell how long it is.
    for start in range(0, len(data), size):
        yield data[start : start + size]


def imported(api, data, **query):
    return api.post("/data/imports", content=chunked(data), params=query)


def test_file_larger_than_other_bodies_comes_back_as_it_was(api):
    bars = random_bars(60_000, symbol="BTC/USDT")
    data = bars_to_parquet(bars)
    assert len(data) > 2 * _MB
    answer = imported(api, data, symbol="btc/usdt")
    assert answer.status_code == 200, answer.text
    query = {"format": "parquet", "limit": 100_000}
    stored = api.get("/data/BTC%2FUSDT/bars", params=query)
    found = bars_from_parquet(stored.content)
    np.testing.assert_array_equal(found.close, bars.close)
    np.testing.assert_array_equal(found.time, bars.time)


def test_upload_is_cut_off_at_its_limit_and_other_bodies_at_theirs(api):
    assert imported(api, bytes(9 * _MB), symbol="A").status_code == 413
    text = {"text": "x" * (3 * _MB)}
    assert api.post("/strategies/validate", json=text).status_code == 413
    assert api.get("/data/A").status_code == 404


def test_symbol_with_a_slash_unquoted_means_the_same(api):
    data = bars_to_parquet(random_bars(50, symbol="ETH/USDT"))
    imported(api, data, symbol="ETH/USDT")
    quoted = api.get("/data/ETH%2FUSDT/bars").json()
    assert api.get("/data/ETH/USDT/bars").json() == quoted
    assert quoted["snapshot"]["symbol"] == "ETH/USDT"


def test_one_of_many_who_save_at_once_wins(api):
    texts = [two_timeframes_text() + f"# {number}\n" for number in range(12)]

    def save(text):
        return api.put("/strategies/two_timeframes", json={"text": text})

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(save, texts))
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [200] + [409] * 11
    won = next(answer for answer in answers if answer.status_code == 200)
    found = api.get("/strategies/two_timeframes")
    assert found.json()["text"] == won.json()["text"]
    # Each changes what all have read: again one of them wins.
    tag = {"If-Match": found.headers["etag"]}

    def replace(text):
        return api.put("/strategies/two_timeframes", json={"text": text}, headers=tag)

    others = [text for text in texts if text != won.json()["text"]]
    with ThreadPoolExecutor(6) as pool:
        codes = sorted(answer.status_code for answer in pool.map(replace, others))
    assert codes == [200] + [409] * 10


def test_model_answers_many_at_once_alike(api):
    assert api.post("/data/sample").json()["snapshot"]["n_bars"] == len(sample_bars())

    def ask(_):
        return api.post("/models/two_timeframes@1/predict", json={"last": 50}).json()

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ask, range(12)))
    assert len(answers[0]["target"]) == 50
    assert all(answer == answers[0] for answer in answers)
