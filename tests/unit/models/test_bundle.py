import json
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrdr.errors import BundleError, InputError, NotFoundError
from ktrdr.models import (
    CLASSES,
    RETURN,
    find_model,
    linear_predictor_of,
    list_models,
    load_bundle,
    load_manifest,
    predictor_of,
    save_bundle,
    tensor_records,
    weights_from_bytes,
    weights_to_bytes,
)
from ktrdr.storage import ArtifactStore, canonical_json
from tests.unit.models.bundles import REGRESSION, model, tensors_for

DESCRIPTION, TENSORS = model()


@pytest.fixture
def store(tmp_path):
    return ArtifactStore.in_folder(tmp_path)


def stored_manifest(store, ref):
    return json.loads(store.get(ref.digest))


def load_changed(store, ref, change):
    """Load the bundle after ``change`` was made to its manifest's document."""
    document = stored_manifest(store, ref)
    change(document)
    return load_bundle(store, store.put(canonical_json(document)))


def test_what_is_saved_is_loaded(store):
    ref = save_bundle(store, DESCRIPTION, TENSORS)
    bundle = load_bundle(store, ref.digest)
    assert bundle.ref == ref
    assert bundle.manifest.title == "two_timeframes@1"
    assert bundle.manifest.model_dump(exclude={"version", "created_at", "weights"}) == {
        **DESCRIPTION.model_dump(),
        "format": 1,
    }
    assert bundle.tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        np.testing.assert_array_equal(bundle.tensors[name], tensor)
        assert not bundle.tensors[name].flags.writeable
    assert bundle.strategy.name == "two_timeframes"
    assert predictor_of(bundle).outputs == CLASSES
    assert linear_predictor_of(bundle).n_features == 11


def test_regression_bundle_has_one_output(store):
    ref = save_bundle(store, *model(*REGRESSION))
    assert predictor_of(load_bundle(store, ref.digest)).outputs == RETURN


def test_same_weights_are_the_same_bytes_whatever_their_order():
    reordered = dict(reversed(TENSORS.items()))
    assert weights_to_bytes(TENSORS) == weights_to_bytes(reordered)


def test_versions_count_up_by_name(store):
    other = model(("name: two_timeframes", "name: other"))
    refs = [save_bundle(store, *each) for each in (model(), other, model())]
    assert list(map(str, refs)) == ["two_timeframes@1", "other@1", "two_timeframes@2"]
    assert list(map(str, list_models(store))) == [
        "other@1",
        "two_timeframes@1",
        "two_timeframes@2",
    ]


def test_versions_stay_apart_when_several_save_at_once(store):
    together = threading.Barrier(8)
    refs = []

    def save():
        together.wait()
        refs.append(save_bundle(store, DESCRIPTION, TENSORS))

    threads = [threading.Thread(target=save) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ref.version for ref in refs) == list(range(1, 9))
    for ref in list_models(store):
        assert load_manifest(store, ref.digest).version == ref.version


def test_a_model_is_found_by_name_version_and_digest(store):
    first = save_bundle(store, DESCRIPTION, TENSORS)
    second = save_bundle(store, DESCRIPTION, TENSORS)
    assert find_model(store, "two_timeframes") == second
    assert find_model(store, "two_timeframes@1") == first
    assert find_model(store, first.digest) == first
    assert find_model(store, second.digest[:10]) == second


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("two_timefames", "no model 'two_timefames': there are two_timeframes@1"),
        ("two_timeframes@7", "no model 'two_timeframes@7'"),
        ("0000000", "no model '0000000'"),
        ("../../etc", "no model"),
        ("", "no model ''"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(store, text, message):
    save_bundle(store, DESCRIPTION, TENSORS)
    with pytest.raises(NotFoundError, match=message):
        find_model(store, text)


@pytest.mark.parametrize("version", ["x", "-1", "1.0", "", "²", "1" * 20])
def test_versions_that_are_no_number_are_refused(store, version):
    with pytest.raises(InputError, match="not a version"):
        find_model(store, f"two_timeframes@{version}")


def test_empty_store_says_how_to_get_a_model(store):
    with pytest.raises(NotFoundError, match="none yet; train one with `ktrdr train`"):
        find_model(store, "anything")


def test_nothing_is_listed_when_saving_fails(store):
    tensors = {**TENSORS, "mlp.0.bias": np.full(6, np.nan, np.float32)}
    with pytest.raises(BundleError, match=r"mlp\.0\.bias holds 6 of 6 values"):
        save_bundle(store, DESCRIPTION, tensors)
    assert list_models(store) == []


def test_weights_of_another_network_are_not_saved(store):
    with pytest.raises(BundleError, match="do not fit the network"):
        save_bundle(store, DESCRIPTION, tensors_for((11, 6, 5, 3)))


def test_float64_weights_are_not_saved(store):
    tensors = {name: each.astype(np.float64) for name, each in TENSORS.items()}
    with pytest.raises(BundleError, match="is float64, expected float32"):
        save_bundle(store, DESCRIPTION, tensors)


def change_at(*path, to):
    def change(document):
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_at("format", to=2), "has format 2, this program reads format 1"),
        (change_at("format", to="1"), "not a valid manifest"),
        (change_at("surprise", to=1), "surprise: Extra inputs"),
        (change_at("weights", "size", to=17), "weights have .* bytes, expected 17"),
        (change_at("weights", "size", to=2**50), "declares 1125899906842624 bytes"),
        (change_at("weights", "digest", to="../x"), "weights.digest"),
        (change_at("name", to="another"), "is named 'another'"),
        (change_at("strategy_digest", to="0" * 64), "does not have the digest"),
        (change_at("strategy_yaml", to="name: x"), "does not have the digest"),
        (change_at("network", "layer_sizes", to=[11, 6, 5, 3]), "network is"),
        (change_at("network", "layer_sizes", to=[11, 6, 4, 2]), "network is"),
        (change_at("network", "layer_sizes", to=[11]), "layer_sizes"),
        (change_at("network", "activation", to="tanh"), "network is"),
        (change_at("network", "outputs", to=["return"]), "network is"),
        (change_at("features", "fingerprint", to="0" * 64), "fingerprint"),
        (change_at("features", "code_version", to=99), "version 99"),
        (change_at("features", "reference", to=[0.0]), "reference row of 1 values"),
        (change_at("features", "names", 0, to="x"), "names and definitions differ"),
        (
            change_at("features", "fitted", "scalers", "1h_range_raw", "mean", to=9.0),
            "1h_range_raw had scaler",
        ),
        (change_at("features", "fitted", "partitions", to={}), "holds nothing"),
        (
            change_at("weights", "tensors", "mlp.0.weight", "shape", to=[10**9, 10**9]),
            "tensors are not those of a network",
        ),
        (
            change_at("weights", "tensors", "mlp.0.weight", "dtype", to="F64"),
            "not a valid manifest",
        ),
        (
            change_at("fit", "history", 0, "train_loss", to=10**400),
            "not a valid manifest",
        ),
    ],
)
def test_changed_manifest_is_refused(store, change, message):
    ref = save_bundle(store, DESCRIPTION, TENSORS)
    with pytest.raises(BundleError, match=message):
        load_changed(store, ref, change)


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[1]", b"\x00" * 100, b"[" * 100_000, b'{"format": NaN}']
)
def test_blobs_that_are_no_manifest_are_refused(store, data):
    with pytest.raises(BundleError, match="not a valid manifest"):
        load_bundle(store, store.put(data))


def test_huge_manifest_is_refused_before_it_is_read(store):
    digest = store.put(b" " * (64 * 2**20 + 1))
    with pytest.raises(BundleError, match="is not a manifest"):
        load_manifest(store, digest)


def test_swapped_weights_are_refused(store):
    ref = save_bundle(store, DESCRIPTION, TENSORS)
    sizes = DESCRIPTION.network.layer_sizes
    other = store.put(weights_to_bytes(tensors_for((*sizes[:-2], 8, 3))))
    with pytest.raises(BundleError, match="weights have"):
        load_changed(store, ref, change_at("weights", "digest", to=other))


def test_weights_changed_in_place_are_refused(store, tmp_path):
    ref = save_bundle(store, DESCRIPTION, TENSORS)
    digest = stored_manifest(store, ref)["weights"]["digest"]
    file = tmp_path / "blobs" / digest[:2] / digest
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(BundleError, match="is damaged"):
        load_bundle(store, ref.digest)


def test_weights_cut_off_are_refused(store, tmp_path):
    ref = save_bundle(store, DESCRIPTION, TENSORS)
    digest = stored_manifest(store, ref)["weights"]["digest"]
    file: Path = tmp_path / "blobs" / digest[:2] / digest
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(BundleError, match="bytes, expected"):
        load_bundle(store, ref.digest)


def test_missing_weights_are_told(store, tmp_path):
    ref = save_bundle(store, DESCRIPTION, TENSORS)
    digest = stored_manifest(store, ref)["weights"]["digest"]
    (tmp_path / "blobs" / digest[:2] / digest).unlink()
    with pytest.raises(NotFoundError, match=digest):
        load_bundle(store, ref.digest)


def with_header(text, payload):
    return len(text).to_bytes(8, "little") + text + payload


def header_of(data):
    end = 8 + int.from_bytes(data[:8], "little")
    return json.loads(data[8:end]), data[end:]


def changed_header(*path, to):
    header, payload = header_of(weights_to_bytes(TENSORS))
    change_at(*path, to=to)(header)
    return with_header(json.dumps(header).encode(), payload)


def whole():
    return weights_to_bytes(TENSORS)


EXTRA = {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}
RECORDS = tensor_records(DESCRIPTION.network.layer_sizes)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cut off: 0 bytes"),
        (whole()[:5], "cut off: 5 bytes"),
        (whole()[:40], "a header of .* bytes is declared"),
        (
            (2**63).to_bytes(8, "little") + whole()[8:],
            "a header of 9223372036854775808",
        ),
        (with_header(b"[" * 50_000, b""), "header of the weights is damaged"),
        (with_header(b"\xff\xfe", b""), "header of the weights is damaged"),
        (with_header(b"{}", b""), r"hold tensors \[\]"),
        (whole() + b"\x00", "bytes of tensors, expected"),
        (whole()[:-4], "bytes of tensors, expected"),
        (changed_header("mlp.0.bias", "dtype", to="F64"), "is F64 of shape"),
        (changed_header("mlp.0.bias", "shape", to=[2**62]), "of shape .4611686018"),
        (changed_header("mlp.0.bias", "shape", to=[-6]), "of shape"),
        (changed_header("mlp.0.bias", "shape", to=[6.0]), "header .* is damaged"),
        (changed_header("mlp.0.bias", "shape", to=[1] * 99), "header .* is damaged"),
        (changed_header("mlp.0.bias", "data_offsets", to=[0, 8]), "lies at bytes"),
        (changed_header("mlp.0.bias", "data_offsets", to=[-8, 16]), "lies at bytes"),
        (changed_header("mlp.0.bias", "data_offsets", to=[0, 2**70]), "lies at bytes"),
        (changed_header("__metadata__", to={"a": "b"}), "header .* is damaged"),
        (
            changed_header(
                "extra", to={"dtype": "F32", "shape": [], "data_offsets": [0, 4]}
            ),
            "hold tensors",
        ),
    ],
)
def test_damaged_weights_are_refused(data, message):
    with pytest.raises(BundleError, match=message):
        weights_from_bytes(data, RECORDS)


def test_weights_that_are_no_numbers_are_refused():
    header, payload = header_of(whole())
    bad = np.float32(np.inf).tobytes() + payload[4:]
    data = with_header(json.dumps(header).encode(), bad)
    with pytest.raises(BundleError, match="not finite numbers"):
        weights_from_bytes(data, RECORDS)


@settings(max_examples=200, deadline=None)
@given(cut=st.integers(0, 3_000), junk=st.binary(max_size=40))
def test_any_damage_is_refused_or_leaves_the_shapes(cut, junk):
    data = whole()
    damaged = data[:cut] + junk + data[cut + len(junk) :]
    try:
        found = weights_from_bytes(damaged, RECORDS)
    except BundleError:
        return
    assert {name: each.shape for name, each in found.items()} == {
        name: each.shape for name, each in RECORDS.items()
    }
