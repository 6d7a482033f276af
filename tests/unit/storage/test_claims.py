"""However many attempts at an operation finish, one model or result is listed."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from ktrdr.backtesting import claimed_result, list_results, run_backtest
from ktrdr.errors import NotFoundError, StorageError
from ktrdr.models import (
    claimed_model,
    delete_model,
    find_model,
    list_models,
    load_manifest,
    save_bundle,
)
from ktrdr.progress import NoProgress
from ktrdr.storage import ArtifactStore, open_store
from tests.unit.backtesting.stored_models import filled_store, request_for
from tests.unit.models.bundles import model
from tests.unit.storage.wrapped import WrappedFiles

DESCRIPTION, TENSORS = model()
# What a second attempt computes need not be the same to the last bit.
OTHERS = [model(seed=seed) for seed in range(1, 4)]


def save(store, attempt=0, operation="operation1"):
    description, tensors = [(DESCRIPTION, TENSORS), *OTHERS][attempt]
    return save_bundle(store, description, tensors, operation)


def failing(store, folder, *, after=0):
    """The store, failing at the creation of a record below ``folder``."""
    left = [after]

    def before(method, path):
        if method == "create" and path.startswith(folder):
            left[0] -= 1
            if left[0] < 0:
                raise StorageError("the disk is gone")

    return ArtifactStore(WrappedFiles(store.files, before))


class TestModels:
    def test_a_second_attempt_is_given_the_first_ones_model(self, store):
        first = save(store, 0)
        assert save(store, 1) == first
        assert claimed_model(store, "operation1") == first
        assert list_models(store) == [first]

    def test_other_operations_and_none_have_models_of_their_own(self, store):
        refs = [save(store, 0, name) for name in ("a1", None, "a2", None)]
        assert [ref.version for ref in refs] == [1, 2, 3, 4]
        assert list_models(store) == refs

    def test_nothing_is_claimed_before_a_model_is_stored(self, store):
        assert claimed_model(store, "operation1") is None

    def test_attempts_at_once_agree_on_one(self, store):
        with ThreadPoolExecutor(8) as pool:
            refs = set(pool.map(lambda turn: save(store, turn % 4), range(16)))
        assert list_models(store) == list(refs)

    def test_attempts_at_once_agree_while_others_take_versions(self, store):
        """Claims whose version was taken are given up by everyone alike."""

        def work(turn):
            return save(store, turn % 4, f"operation{turn % 3}" if turn % 2 else None)

        with ThreadPoolExecutor(8) as pool:
            refs = list(pool.map(work, range(24)))
        listed = list_models(store)
        assert set(listed) == set(refs)
        assert len(listed) == 12 + 3
        assert [ref.version for ref in listed] == list(range(1, 16))
        for number in range(3):
            assert claimed_model(store, f"operation{number}") in listed

    def test_a_model_that_was_claimed_and_not_listed_is_listed_by_the_next(self, store):
        with pytest.raises(StorageError):
            save(failing(store, "records/models"), 0)
        assert list_models(store) == []
        ref = claimed_model(store, "operation1")
        assert ref is not None
        assert list_models(store) == [ref]
        assert load_manifest(store, ref.digest).features == DESCRIPTION.features
        assert save(store, 1) == ref
        assert list_models(store) == [ref]

    def test_a_claimed_version_that_went_to_another_is_replaced(self, store):
        with pytest.raises(StorageError):
            save(failing(store, "records/models"), 0)
        other = save(store, 2, None)
        assert other.version == 1
        assert claimed_model(store, "operation1") is None
        ref = save(store, 1)
        assert (ref.version, ref.digest) != (other.version, other.digest)
        assert list_models(store) == [other, ref]
        assert save(store, 3) == ref

    def test_an_attempt_that_died_before_its_claim_leaves_nothing(self, store):
        with pytest.raises(StorageError):
            save(failing(store, "records/claims"), 0)
        assert claimed_model(store, "operation1") is None
        assert save(store, 1).version == 1

    def test_the_version_stands_in_the_manifest_that_is_listed(self, store):
        for name in ("a1", "a2", "a1"):
            ref = save(store, 0, name)
            assert load_manifest(store, ref.digest).version == ref.version

    @pytest.mark.parametrize("operation", [None, "operation1"])
    def test_a_deleted_model_is_listed_no_more_and_its_number_not_reused(
        self, store, operation
    ):
        ref = save(store, 0, operation)
        delete_model(store, ref)
        assert list_models(store) == []
        assert claimed_model(store, "operation1") is None
        with pytest.raises(NotFoundError):
            find_model(store, "two_timeframes@1")
        with pytest.raises(NotFoundError):
            delete_model(store, ref)
        assert save(store, 1, None).version == 2


@pytest.fixture
def folder(tmp_path):
    filled_store(tmp_path)
    return tmp_path


class TestResults:
    def run(self, folder, operation="operation1", **changes):
        request = request_for(folder, operation=operation, **changes)
        return run_backtest(request, NoProgress())

    def test_a_second_attempt_is_given_the_first_ones_result(self, folder):
        first = self.run(folder)
        second = self.run(folder, seed=1)
        assert second.digest == first.digest
        assert second.manifest == first.manifest
        store = ArtifactStore.in_folder(folder)
        assert [one.digest for one in list_results(store)] == [first.digest]
        assert claimed_result(store, "operation1") == first.digest

    def test_a_repetition_of_the_kept_request_is_a_new_result(self, folder):
        first = self.run(folder)
        kept = first.manifest.request.model_copy(update={"store": str(folder)})
        assert run_backtest(kept, NoProgress()).digest != first.digest

    def test_attempts_at_once_agree_on_one(self, folder):
        with ThreadPoolExecutor(4) as pool:
            seeds = range(4)
            found = {
                one.digest
                for one in pool.map(lambda n: self.run(folder, seed=n), seeds)
            }
        listed = list_results(ArtifactStore.in_folder(folder))
        assert {one.digest for one in listed} == found
        assert len(listed) == len(found) == 1

    def test_a_result_that_was_claimed_and_not_listed_is_listed_by_the_next(
        self, folder, monkeypatch
    ):
        def breaking(location):
            return failing(open_store(location), "records/results")

        with monkeypatch.context() as patch:
            patch.setattr("ktrdr.backtesting.run.open_store", breaking)
            with pytest.raises(StorageError):
                self.run(folder)
        store = ArtifactStore.in_folder(folder)
        assert list_results(store) == []
        result = self.run(folder, seed=1)
        assert result.manifest.request.seed == 0
        assert [one.digest for one in list_results(store)] == [result.digest]
