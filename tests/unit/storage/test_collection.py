from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ktrdr.errors import DataError
from ktrdr.storage import (
    ArtifactStore,
    blob_path,
    canonical_json,
    digest_of,
    gc,
)
from tests.unit.storage.wrapped import WrappedFiles

DAY = timedelta(hours=24)


def document(**values):
    return canonical_json(values)


@pytest.fixture
def old(store) -> ArtifactStore:
    """The store as it is two days after everything was written."""
    return ArtifactStore(WrappedFiles(store.files, age=2 * DAY))


@pytest.fixture
def chain(store):
    """A record that names a document that names a blob; and a blob that none names."""
    weights, spare = store.put(b"weights"), store.put(b"spare")
    manifest = store.put(document(weights={"digest": weights}))
    store.put_record("models", ("a", "000001"), {"digest": manifest})
    return {"weights": weights, "manifest": manifest, "spare": spare}


def there(store):
    return {entry.path.rpartition("/")[2] for entry in store.files.list("blobs")}


def test_what_nothing_refers_to_is_deleted(old, chain):
    found = gc(old)
    assert [blob.digest for blob in found.deleted] == [chain["spare"]]
    assert (found.n_blobs, found.n_used, found.n_young) == (3, 2, 0)
    assert found.n_bytes_deleted == len(b"spare")
    assert there(old) == {chain["manifest"], chain["weights"]}
    assert gc(old).deleted == ()


def test_a_dry_run_tells_the_same_and_deletes_nothing(old, chain):
    tried = gc(old, dry_run=True)
    assert there(old) == set(chain.values())
    assert tried.model_copy(update={"is_dry_run": False}) == gc(old)


def test_what_is_young_is_left_alone(store, chain):
    found = gc(store)
    assert (found.deleted, found.n_young) == ((), 1)
    assert there(store) == set(chain.values())
    younger = ArtifactStore(WrappedFiles(store.files, age=timedelta(hours=3)))
    assert gc(younger, min_age=timedelta(hours=4)).deleted == ()
    assert len(gc(younger, min_age=timedelta(hours=2)).deleted) == 1


def test_a_file_whose_age_is_not_known_is_left_alone(store, chain):
    class Ageless(WrappedFiles):
        def list(self, folder):
            for entry in super().list(folder):
                yield replace(entry, modified_at=None)

    assert gc(ArtifactStore(Ageless(store.files)), min_age=-DAY).deleted == ()


def test_what_the_caller_names_is_kept_with_all_that_it_names(old, chain):
    checkpoint = old.put(b"a checkpoint")
    summary = old.put(document(table=checkpoint))
    gc(old, keep=lambda: [summary])
    assert there(old) == {chain["manifest"], chain["weights"], summary, checkpoint}
    gc(old)
    assert there(old) == {chain["manifest"], chain["weights"]}


def test_a_blob_goes_with_the_last_record_that_names_it(old, chain):
    old.put_record("claims", ("b",), {"digest": chain["weights"]})
    old.delete_record("models", ("a", "000001"))
    gc(old)
    assert there(old) == {chain["weights"]}
    old.delete_record("claims", ("b",))
    gc(old)
    assert there(old) == set()


def test_what_somebody_refers_to_meanwhile_is_kept(store, chain):
    asked: list[None] = []

    def keep():
        # Asked for the second time, right before it deletes.
        asked.append(None)
        return [chain["spare"]] if len(asked) == 2 else []

    old = ArtifactStore(WrappedFiles(store.files, age=2 * DAY))
    assert gc(old, keep=keep).deleted == ()
    assert there(store) == set(chain.values())


def test_what_somebody_puts_again_meanwhile_is_kept(store, chain):
    fresh = set()

    class Aged(WrappedFiles):
        """Everything is old but what was written since."""

        def list(self, folder):
            for entry in super().list(folder):
                if entry.path in fresh:
                    yield replace(entry, modified_at=datetime.now(UTC))
                else:
                    yield entry

    aged = Aged(store.files, age=2 * DAY)

    def keep():
        fresh.add(blob_path(chain["spare"]))
        return []

    assert gc(ArtifactStore(aged), keep=keep).deleted == ()
    assert there(store) == set(chain.values())


@pytest.mark.parametrize("content", [b"", b"{", b'{"digest": "abc'])
def test_a_damaged_record_may_have_named_anything_so_nothing_is_deleted(
    old, chain, content
):
    old.files.overwrite("records/models/a/000001.json", content)
    with pytest.raises(DataError, match=r"records/models/a/000001\.json is damaged"):
        gc(old)
    assert there(old) == set(chain.values())


def test_a_damaged_document_may_have_named_anything_so_nothing_is_deleted(old, chain):
    old.files.overwrite(blob_path(chain["manifest"]), b'{"weights": ')
    with pytest.raises(DataError, match=f"artifact {chain['manifest']} is damaged"):
        gc(old)
    assert there(old) == set(chain.values())


def test_interrupted_it_leaves_everything_that_is_listed_whole(store, chain):
    spares = {store.put(b"spare %d" % number) for number in range(20)}
    deleted = []

    def interrupt(method, path):
        deleted.extend([path] if method == "delete" else [])
        if len(deleted) == 7:
            raise KeyboardInterrupt

    files = WrappedFiles(store.files, interrupt, age=2 * DAY)
    with pytest.raises(KeyboardInterrupt):
        gc(ArtifactStore(files))
    assert {chain["manifest"], chain["weights"]} <= there(store)
    assert len(spares - there(store)) in (5, 6)
    gc(ArtifactStore(WrappedFiles(store.files, age=2 * DAY)))
    assert there(store) == {chain["manifest"], chain["weights"]}


def test_files_of_others_are_left_alone(old, chain):
    for path in ("blobs/README", "blobs/ab/short", f"blobs/ab/{digest_of(b'x')}"):
        old.files.overwrite(path, b"not ours")
    gc(old)
    assert {"README", "short"} <= there(old)
