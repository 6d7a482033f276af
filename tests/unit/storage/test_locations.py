"""Which places an artifact store can be in, and what a place out of reach says."""

import os
import socket
import time
from datetime import timedelta
from pathlib import Path

import pytest

from ktrdr.errors import InputError, StorageError
from ktrdr.storage import ArtifactStore, digest_of, object_files, open_store
from tests.s3 import SECRET


def test_a_folder_is_meant_by_its_path_and_by_its_url(tmp_path):
    digest = ArtifactStore.open(str(tmp_path / "a b")).put(b"abc")
    url = (tmp_path / "a b").as_uri()

    assert "%20" in url
    assert ArtifactStore.open(url).get(digest) == b"abc"


def test_home_is_written_as_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    digest = ArtifactStore.open("~/store").put(b"abc")

    assert ArtifactStore.in_folder(tmp_path / "store").get(digest) == b"abc"
    assert not Path("~").exists()


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("", "is empty"),
        ("ftp://server/folder", "expected a folder, file:///folder, s3://"),
        ("https://server/folder", "expected a folder, file:///folder, s3://"),
        ("s3://", "names no bucket"),
        ("s3://bucket/prefix?region=x", "names no bucket"),
        ("file://server/folder", "names no folder"),
        ("file:///", "names no folder"),
    ],
)
def test_other_places_are_refused_with_what_is_possible(location, told):
    with pytest.raises(InputError, match=told):
        ArtifactStore.open(location)


def test_a_secret_in_the_location_is_refused_and_not_shown():
    with pytest.raises(InputError) as caught:
        ArtifactStore.open(f"s3://key:{SECRET}@bucket/prefix")
    assert "AWS_ACCESS_KEY_ID" in str(caught.value)
    assert SECRET not in str(caught.value)


class TestPlainHttp:
    """Unencrypted, everything could be read and changed on its way."""

    @pytest.mark.parametrize(
        "name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT"]
    )
    def test_is_refused_beyond_this_machine(self, monkeypatch, name):
        monkeypatch.setenv(name, "http://store.example:9000")
        with pytest.raises(InputError, match=rf"{name} .*AWS_ALLOW_HTTP=true"):
            ArtifactStore.open("s3://bucket/prefix")

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.3.2.1"])
    def test_is_allowed_on_loopback(self, monkeypatch, host):
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:9000")
        ArtifactStore.open("s3://bucket/prefix")

    def test_is_allowed_where_it_was_asked_for(self, monkeypatch):
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://store.example:9000")
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        ArtifactStore.open("s3://bucket/prefix")


def test_a_missing_bucket_is_told_in_one_line(bucket):
    store = ArtifactStore.open("s3://no-such-bucket/prefix")
    calls = [
        lambda: store.put(b"abc"),
        lambda: store.get(digest_of(b"abc")),
        lambda: store.list_records("models"),
        lambda: store.put_record("models", ("a",), {}),
        lambda: store.delete_record("models", ("a",)),
    ]
    for call in calls:
        with pytest.raises(StorageError, match=r"\A[^\n]*no bucket[^\n]*\Z"):
            call()


def test_refused_credentials_are_told_in_one_line_without_the_secret(bucket):
    from moto.core import set_initial_no_auth_action_count

    @set_initial_no_auth_action_count(0)
    def refused():
        with pytest.raises(StorageError, match=r"\A[^\n]*Access[^\n]*\Z") as caught:
            ArtifactStore.open(bucket).list_records("models")
        assert SECRET not in str(caught.value)

    refused()


class TestOutOfReach:
    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch, bucket):
        monkeypatch.setattr(object_files, "_SILENCE_TIMEOUT", timedelta(seconds=0.3))
        monkeypatch.setattr(object_files, "_RETRY_TIMEOUT", timedelta(seconds=1))

    def refuse(self, told):
        began = time.monotonic()
        store = ArtifactStore.open("s3://bucket/prefix")
        with pytest.raises(StorageError, match=rf"\A[^\n]*{told}[^\n]*\Z"):
            store.list_records("models")
        with pytest.raises(StorageError, match=rf"\A[^\n]*{told}[^\n]*\Z"):
            store.put_record("models", ("a",), {})
        assert time.monotonic() - began < 10

    def test_where_nobody_listens(self, monkeypatch):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        self.refuse("error sending request")

    def test_where_nobody_answers(self, monkeypatch):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
            self.refuse("error sending request")


def test_a_remote_store_is_opened_with_the_cache_of_the_settings(
    bucket, tmp_path, monkeypatch
):
    from ktrdr.settings import settings

    monkeypatch.setenv("KTRDR_HOME", str(tmp_path))
    settings.cache_clear()
    try:
        digest = open_store(bucket).put(b"abc")
    finally:
        settings.cache_clear()
    assert os.listdir(tmp_path / "cache" / "blobs") == [digest]
