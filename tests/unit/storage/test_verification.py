import pytest
from pydantic import RootModel

from ktrdr.backtesting import blobs_of_result, run_backtest
from ktrdr.data import BarStore, blobs_of_snapshot
from ktrdr.models import (
    blobs_of_model,
    find_model,
    list_models,
    load_manifest,
    load_manifests,
)
from ktrdr.progress import NoProgress
from ktrdr.storage import ArtifactStore, blob_path, canonical_json, verify
from tests.unit.backtesting.stored_models import filled_store, request_for

Document = RootModel[dict[str, object]]
NEEDED = {
    "bars": blobs_of_snapshot,
    "models": blobs_of_model,
    "results": blobs_of_result,
}


@pytest.fixture
def filled(tmp_path) -> ArtifactStore:
    """Bars, a model and a result."""
    filled_store(tmp_path)
    run_backtest(request_for(tmp_path), NoProgress())
    return ArtifactStore.in_folder(tmp_path)


def problems(store):
    return {(one.kind, one.path) for one in verify(store, NEEDED).problems}


def test_nothing_is_wrong_with_what_was_written(filled):
    found = verify(filled, NEEDED)
    assert found.problems == ()
    # Bars, model and its weights, result and its three tables.
    assert (found.n_blobs, found.n_records) == (7, 3)
    assert found.n_bytes == sum(one.size for one in filled.files.list("blobs"))


def test_progress_is_told(filled):
    seen: list[tuple[object, ...]] = []

    class Told:
        def phase(self, name, total=None, unit=""):
            seen.append((name, total, unit))

        def advance(self, done):
            seen.append((done,))

    verify(filled, NEEDED, Told())
    assert seen[0] == ("check blobs", 7, "blobs")
    assert seen[8:] == [("check records", 3, "records"), (1,), (2,), (3,)]


def test_every_damaged_blob_is_found(store):
    digests = [store.put(b"%d" % number) for number in range(270)]
    for digest in digests[::100]:
        store.files.overwrite(blob_path(digest), b"something else")
    found = verify(store, {})
    assert found.n_blobs == 270
    assert {one.path for one in found.problems} == set(map(blob_path, digests[::100]))
    assert {one.kind for one in found.problems} == {"damaged_blob"}


@pytest.mark.parametrize("kind", ["bars", "models", "results", "others"])
@pytest.mark.parametrize("content", [b"", b"{", b"\xff"])
def test_a_record_that_can_not_be_read_is_found(filled, kind, content):
    path = f"records/{kind}/a/b.json"
    filled.files.overwrite(path, content)
    assert problems(filled) == {("damaged_record", path)}


def test_a_record_of_another_form_is_found(filled):
    filled.put_record("models", ("a", "000001"), {"digest": 1})
    assert problems(filled) == {("damaged_record", "records/models/a/000001.json")}


def test_a_record_whose_document_or_blob_is_missing_is_found(filled):
    (model,) = list_models(filled)
    record = "records/models/two_timeframes/000001.json"
    weights = load_manifest(filled, model.digest).weights.digest
    filled.files.delete(blob_path(weights))
    assert problems(filled) == {("missing_blob", record)}
    filled.files.delete(blob_path(model.digest))
    assert problems(filled) == {("missing_blob", record)}


def test_a_snapshot_whose_bars_are_missing_is_found(filled):
    (snapshot,) = BarStore(filled).list()
    filled.files.delete(blob_path(snapshot.digest))
    (found,) = problems(filled)
    assert found[0] == "missing_blob"
    assert found[1].startswith("records/bars/TEST/1h/")


def test_a_result_whose_table_is_missing_is_found(filled):
    ((key, summary),) = filled.read_records("results", Document).items()
    manifest = filled.get(summary.root["digest"])
    assert b'"trades"' in manifest
    (name, *_) = blobs_of_result(filled, "a path", filled.record_bytes("results", key))[
        1:
    ]
    filled.files.delete(blob_path(name))
    found = problems(filled)
    assert found == {("missing_blob", f"records/results/{'/'.join(key)}.json")}


def test_one_damaged_record_leaves_the_others_in_every_list(filled, caplog):
    bars, name = BarStore(filled), "two_timeframes"
    before = (list_models(filled), bars.list())
    for path in ("models/other/000001", "bars/TEST/1h/0", "results/0"):
        filled.files.overwrite(f"records/{path}.json", b"{")
    assert (list_models(filled), bars.list()) == before
    assert [ref.name for ref in before[0]] == [name]
    assert find_model(filled, before[0][0].digest[:8]) == before[0][0]
    assert any("records/bars/TEST/1h/0.json" in text for text in caplog.messages)


def test_a_damaged_document_is_told_with_the_record_that_needs_it(filled):
    (model,) = list_models(filled)
    filled.files.overwrite(blob_path(model.digest), canonical_json({"format": 1}))
    assert problems(filled) == {
        ("damaged_blob", blob_path(model.digest)),
        ("damaged_record", "records/models/two_timeframes/000001.json"),
    }


def test_a_damaged_document_leaves_the_other_models_in_the_list(filled, caplog):
    (intact,) = list_models(filled)
    manifest = load_manifest(filled, intact.digest)
    damaged = filled.put(b"{")
    filled.put_record("models", ("other", "000001"), {"digest": damaged})
    assert load_manifests(filled, list_models(filled)) == [(intact, manifest)]
    (warning,) = caplog.messages
    assert "other@1" in warning
