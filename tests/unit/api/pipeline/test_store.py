import json

import pytest

from ktrdr.settings import settings
from tests.unit.api.pipeline.conftest import API
from tests.unit.backtesting.stored_models import filled_store


@pytest.fixture
def store(home):
    return filled_store(settings().store_path)


def test_every_record_and_every_blob_it_names_can_be_fetched(store, client, get):
    n_blobs = 0
    for kind in ("bars", "models"):
        keys = get(f"/store/records/{kind}")["keys"]
        assert [tuple(key) for key in keys] == store.list_records(kind)
        for key in keys:
            answer = client.get(f"{API}/store/records/{kind}/{'/'.join(key)}")
            assert answer.content == store.record_bytes(kind, tuple(key))
            digest = json.loads(answer.content)["digest"]
            blob = client.get(f"{API}/store/blobs/{digest}")
            assert blob.content == store.get(digest)
            n_blobs += 1
    assert n_blobs == 2


def test_keys_are_listed_below_a_prefix(store, get):
    assert get("/store/records/bars", prefix="TEST/1h")["keys"]
    assert get("/store/records/bars", prefix="TEST/4h")["keys"] == []
    assert get("/store/records/nothing")["keys"] == []


def test_blob_is_cached_for_ever_by_whoever_may_see_it(store, client):
    digest = client.get(f"{API}/models").json()[0]["digest"]
    path = f"{API}/store/blobs/{digest}"
    answer = client.get(path)
    assert answer.headers["etag"] == f'"{digest}"'
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    again = client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get(path, headers={"If-None-Match": '"something"'})
    assert other.status_code == 200


def test_damaged_blob_is_not_given_out(store, refused, get):
    digest = get("/models")[0]["digest"]
    path = settings().store_path / "blobs" / digest[:2] / digest
    path.write_bytes(b"damaged")
    assert refused("GET", f"/store/blobs/{digest}")["code"] == "data_invalid"


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/store/blobs/" + "0" * 64, {}, 404),
        ("/store/blobs/abc", {}, 422),
        ("/store/blobs/..%2f..%2fx", {}, 404),
        ("/store/records/models/no_such", {}, 404),
        ("/store/records/models/..%2f..%2f..%2fetc", {}, 422),
        ("/store/records/models/a%2F%2Fb", {}, 422),
        ("/store/records/models/%00", {}, 422),
        ("/store/records/models/" + "/".join("a" * 40), {}, 404),
        ("/store/records/..", {}, 404),
        ("/store/records/.hidden", {}, 422),
        ("/store/records/models", {"prefix": "../../blobs"}, 422),
        ("/store/records/models", {"prefix": "\0"}, 422),
        ("/store/records/models", {"prefix": "x" * 601}, 422),
    ],
)
def test_nothing_but_the_store_is_read(store, refused, path, query, status):
    assert refused("GET", path, params=query)["status"] == status
