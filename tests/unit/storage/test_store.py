from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import RootModel

from ktrdr.errors import (
    ConflictError,
    DataError,
    InputError,
    NotFoundError,
    StorageError,
)
from ktrdr.storage import (
    ArtifactStore,
    Digest,
    blob_path,
    canonical_json,
    complete_digest,
    digest_of,
    parse_digest,
)

Document = RootModel[dict[str, object]]


def test_blob_is_named_by_its_sha256(store):
    digest = store.put(b"abc")

    assert digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert store.get(digest) == b"abc"


def test_putting_the_same_bytes_twice_keeps_one_blob(store):
    assert store.put(b"abc") == store.put(b"abc")
    assert len(list(store.files.list("blobs"))) == 1


@pytest.mark.parametrize("damaged", [b"", b"abd", b"abcabc"])
def test_putting_the_same_bytes_again_mends_a_damaged_blob(store, damaged):
    digest = store.put(b"abc")
    store.files.overwrite(blob_path(digest), damaged)

    assert store.put(b"abc") == digest
    assert store.get(digest) == b"abc"


@pytest.mark.parametrize("size", [0, 1, 12_000_000])
def test_blobs_of_any_size_come_back_whole(store, size):
    data = b"x" * size
    digest = store.put(data)

    assert store.size(digest) == size
    assert store.get(digest) == data
    assert store.files.read_start(blob_path(digest), 4) == data[:4]


def test_missing_blob_is_not_found(store):
    with pytest.raises(NotFoundError, match="not in the artifact store"):
        store.get(digest_of(b"never put"))


def test_a_missing_blob_has_no_size(store):
    with pytest.raises(NotFoundError, match="not in the artifact store"):
        store.size(digest_of(b"never put"))


def test_damaged_blob_is_refused(store):
    digest = store.put(b"abc")
    store.files.overwrite(blob_path(digest), b"abd")

    with pytest.raises(DataError, match="damaged"):
        store.get(digest)


@pytest.mark.parametrize("text", ["", "abc", "A" * 64, "g" * 64, "../" + "a" * 61])
def test_what_is_no_digest_is_refused(store, text):
    with pytest.raises(InputError, match="not a digest"):
        store.get(Digest(text))
    with pytest.raises(InputError, match="not a digest"):
        parse_digest(text)


class TestCompleteDigest:
    KNOWN = tuple(map(digest_of, (b"a", b"b", b"c")))

    def test_first_digits_and_all_of_them_mean_the_same(self):
        for digest in self.KNOWN:
            assert complete_digest(digest, self.KNOWN) == digest
            assert complete_digest(digest[:6], self.KNOWN) == digest

    @pytest.mark.parametrize("text", ["ca978", "momentum", "", "0" * 6, "CA9781"])
    def test_what_begins_none_means_none(self, text):
        assert complete_digest(text, self.KNOWN) is None

    def test_what_begins_several_is_refused(self):
        twins = [Digest("abcdef" + end * 58) for end in "01"]
        with pytest.raises(ConflictError, match="2 digests begin with abcdef"):
            complete_digest("abcdef", twins)
        assert complete_digest("abcdef", [twins[0]] * 2) == twins[0]


def test_record_comes_back_as_it_was_put(store):
    record = {"b": [1, 2.5, None, True], "a": "é"}
    store.put_record("bars", ("EURUSD", "1h"), record)

    assert store.get_record("bars", ("EURUSD", "1h"), Document).root == record


def test_same_record_may_be_put_again_but_no_other(store):
    store.put_record("bars", ("EURUSD",), {"a": 1, "b": 2})
    store.put_record("bars", ("EURUSD",), {"b": 2, "a": 1})

    with pytest.raises(InputError, match="other content"):
        store.put_record("bars", ("EURUSD",), {"a": 2})
    assert store.get_record("bars", ("EURUSD",), Document).root == {"a": 1, "b": 2}


def test_records_are_listed_by_kind_and_prefix_in_order(store):
    for key in (("B", "1h"), ("A", "4h"), ("A", "1h"), ("AB", "1h")):
        store.put_record("bars", key, {})
    store.put_record("models", ("A", "1h"), {})

    assert store.list_records("bars") == [
        ("A", "1h"),
        ("A", "4h"),
        ("AB", "1h"),
        ("B", "1h"),
    ]
    assert store.list_records("bars", "A") == [("A", "1h"), ("A", "4h")]
    assert store.list_records("results") == []


def test_missing_record_is_not_found(store):
    with pytest.raises(NotFoundError, match="bars A"):
        store.get_record("bars", ("A",), Document)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"null", b"[1]", b"1"])
def test_damaged_record_is_told_with_its_place(store, content):
    store.files.overwrite("records/bars/A.json", content)
    with pytest.raises(DataError, match=r"\Arecords/bars/A\.json [^\n]* is damaged: "):
        store.get_record("bars", ("A",), Document)


def test_files_of_others_are_not_listed(store):
    store.put_record("bars", ("A", "1"), {})
    for name in ("1 (copy).json", ".hidden.json", "1.json.bak", "é.json"):
        store.files.overwrite(f"records/bars/A/{name}", b"")
    assert store.list_records("bars") == [("A", "1")]


def test_a_damaged_record_does_not_take_the_others_with_it(store, caplog):
    for key in "ABC":
        store.put_record("bars", (key,), {"key": key})
    store.files.overwrite("records/bars/B.json", b"{")

    found = store.read_records("bars", Document)
    assert list(found) == [("A",), ("C",)]
    assert found["C",].root == {"key": "C"}
    (warning,) = caplog.messages
    assert "records/bars/B.json" in warning


def test_a_deleted_record_is_gone_and_may_be_deleted_again(store):
    store.put_record("bars", ("A",), {})
    store.delete_record("bars", ("A",))
    store.delete_record("bars", ("A",))

    assert store.list_records("bars") == []
    with pytest.raises(NotFoundError):
        store.get_record("bars", ("A",), Document)


def test_of_many_claims_one_stands_and_all_are_told_which(store):
    def claim(number):
        return store.put_once("claims", ("a",), {"by": number}, Document).root["by"]

    with ThreadPoolExecutor(8) as pool:
        told = set(pool.map(claim, range(32)))

    assert told == {store.get_record("claims", ("a",), Document).root["by"]}


def test_an_own_claim_whose_answer_was_lost_is_recognised(store):
    # A server may have written what it did not get to answer; asked again, it says
    # that there is a record already.
    store.put_record("claims", ("a",), {"by": 1})
    assert store.put_once("claims", ("a",), {"by": 1}, Document).root == {"by": 1}


class TestOutOfReach:
    """What a full disk or a missing permission does: one sentence, no more."""

    def test_a_folder_that_can_not_be_made(self, tmp_path):
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(StorageError, match=r"file.* can't be read or written"):
            ArtifactStore.in_folder(tmp_path / "file" / "store")

    def test_a_place_that_can_not_be_written(self, tmp_path):
        store = ArtifactStore.in_folder(tmp_path / "store")
        (tmp_path / "store" / "blobs").write_bytes(b"")
        with pytest.raises(StorageError, match=r"\Ablobs/ba/ba78[^\n]*\Z"):
            store.put(b"abc")


@pytest.mark.parametrize(
    "part", ["", "..", ".hidden", "a/b", "a b", "é", "-x", "a" * 129]
)
def test_unsafe_names_of_records_are_refused(store, part):
    with pytest.raises(InputError, match="can't name a record"):
        store.put_record("bars", (part,), {})


def test_store_is_the_same_for_another_process(location):
    digest = ArtifactStore.open(location).put(b"abc")

    assert ArtifactStore.open(location).get(digest) == b"abc"


def test_of_many_writers_of_one_record_one_wins_and_others_are_told(store):
    def write(number):
        try:
            store.put_record("bars", ("A",), {"writer": number})
        except InputError:
            return None
        return number

    with ThreadPoolExecutor(8) as pool:
        winners = [one for one in pool.map(write, range(32)) if one is not None]

    assert [store.get_record("bars", ("A",), Document).root["writer"]] == winners


@given(
    st.dictionaries(st.text(st.characters(codec="utf-8")), st.integers(), min_size=2)
)
def test_canonical_json_depends_on_content_alone(value):
    backwards = dict(reversed(value.items()))

    assert canonical_json(value) == canonical_json(backwards)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_canonical_json_refuses_what_json_has_not(value):
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"value": value})
