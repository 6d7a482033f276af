import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from ktrdr.errors import DataError, NotFoundError
from ktrdr.storage import ArtifactStore, CachedFiles, blob_path, digest_of
from tests.unit.storage.wrapped import WrappedFiles


class Remote:
    """A store behind a cache, and what was asked of it."""

    def __init__(self, tmp_path, most_bytes=1000):
        self.asked: list[tuple[str, str]] = []
        self.origin = ArtifactStore.in_folder(tmp_path / "origin")
        self.folder = tmp_path / "cache" / "blobs"
        files = WrappedFiles(self.origin.files, self.note)
        cached = CachedFiles(files, self.folder, most_bytes=most_bytes)
        self.store = ArtifactStore(cached)

    def note(self, method, path):
        self.asked.append((method, path))

    def reads(self):
        return [path for method, path in self.asked if method == "read"]

    def kept(self):
        return set(os.listdir(self.folder)) if self.folder.exists() else set()


@pytest.fixture
def remote(tmp_path) -> Remote:
    return Remote(tmp_path)


def test_a_blob_is_fetched_once(remote):
    digest = remote.origin.put(b"abc")
    assert remote.store.get(digest) == remote.store.get(digest) == b"abc"
    assert remote.reads() == [blob_path(digest)]
    assert remote.kept() == {digest}


def test_what_is_written_goes_through_and_is_kept(remote):
    digest = remote.store.put(b"abc")
    assert remote.origin.get(digest) == b"abc"
    assert remote.store.get(digest) == b"abc"
    assert remote.reads() == []


@pytest.mark.parametrize("damage", [b"", b"abd", b"abcabc"])
def test_a_damaged_copy_is_thrown_away_and_fetched_anew(remote, damage):
    digest = remote.store.put(b"abc")
    (remote.folder / digest).write_bytes(damage)
    assert remote.store.get(digest) == b"abc"
    assert remote.reads() == [blob_path(digest)]
    assert (remote.folder / digest).read_bytes() == b"abc"


def test_a_blob_that_is_damaged_itself_is_refused_and_not_kept(remote):
    digest = remote.origin.put(b"abc")
    remote.origin.files.overwrite(blob_path(digest), b"abd")
    with pytest.raises(DataError, match="damaged"):
        remote.store.get(digest)
    assert remote.kept() == set()


def test_a_missing_blob_is_asked_for_every_time(remote):
    for _ in range(2):
        with pytest.raises(NotFoundError):
            remote.store.get(digest_of(b"abc"))
    assert remote.store.put(b"abc")


def test_records_are_never_kept(remote):
    remote.store.put_record("models", ("a",), {"version": 1})
    remote.origin.delete_record("models", ("a",))
    remote.origin.put_record("models", ("a",), {"version": 2})
    assert remote.store.record_bytes("models", ("a",)) == b'{"version": 2}'
    assert remote.kept() == set()


def test_the_least_recently_used_copies_go_first(remote):
    first, second = (remote.store.put(letter * 400) for letter in (b"a", b"b"))
    os.utime(remote.folder / first, (1, 1))
    os.utime(remote.folder / second, (2, 2))
    remote.store.get(first)
    third = remote.store.put(b"c" * 400)
    assert remote.kept() == {first, third}
    assert remote.store.get(second) == b"b" * 400


def test_a_blob_larger_than_the_cache_is_passed_on(remote):
    small = remote.store.put(b"abc")
    large = remote.store.put(b"x" * 2000)
    assert remote.store.get(large) == b"x" * 2000
    assert remote.kept() == {small}


def test_what_a_dead_writer_left_is_cleared_away_and_counted_until_then(remote):
    remote.store.put(b"abc")
    left = remote.folder / "0.unfinished"
    left.write_bytes(b"x" * 500)
    remote.store.put(b"b" * 400)
    assert left.name in remote.kept()
    os.utime(left, (1, 1))
    remote.store.put(b"c" * 400)
    assert left.name not in remote.kept()


def test_a_deleted_blob_is_gone_from_the_cache(remote):
    digest = remote.store.put(b"abc")
    remote.store.files.delete(blob_path(digest))
    with pytest.raises(NotFoundError):
        remote.store.get(digest)


def test_a_folder_that_can_not_be_written_is_no_cache_and_no_error(remote):
    remote.folder.parent.mkdir()
    remote.folder.write_bytes(b"a file in its place")
    digest = remote.store.put(b"abc")
    assert remote.store.get(digest) == b"abc"


def test_many_at_once_stay_within_the_bound_and_get_what_they_asked_for(tmp_path):
    remote = Remote(tmp_path, most_bytes=5_000)
    contents = [bytes([number]) * 700 for number in range(20)]
    digests = [remote.origin.put(data) for data in contents]

    def read(turn):
        number = turn * 7 % 20
        return remote.store.get(digests[number]) == contents[number]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(400)))
    # Each of those at work may have made room before the others wrote.
    assert len(remote.kept()) * 700 <= 5_000 + 8 * 700
    assert not any(name.endswith(".unfinished") for name in remote.kept())


def test_the_cache_of_a_remote_store_serves_what_the_server_lost(bucket, tmp_path):
    store = ArtifactStore.open(bucket, cache=tmp_path / "cache")
    digest = store.put(b"abc")
    ArtifactStore.open(bucket).files.delete(blob_path(digest))
    assert store.get(digest) == b"abc"
    with pytest.raises(NotFoundError):
        ArtifactStore.open(bucket, cache=tmp_path / "cache", cache_mb=0).get(digest)


def test_a_folder_needs_no_cache(tmp_path):
    store = ArtifactStore.open(str(tmp_path / "store"), cache=tmp_path / "cache")
    store.put(b"abc")
    assert not (tmp_path / "cache").exists()
