"""Which models are deleted: named exactly, and without results unless forced."""

import pytest

from ktrdr.backtesting import delete_named_model, run_backtest
from ktrdr.errors import ConflictError, InputError, NotFoundError
from ktrdr.models import find_model, list_models
from ktrdr.progress import NoProgress
from tests.unit.backtesting.stored_models import filled_store, request_for

NAME = "two_timeframes"


@pytest.fixture
def store(tmp_path):
    return filled_store(tmp_path)


@pytest.mark.parametrize("digits", [None, 12])
def test_what_may_mean_another_model_tomorrow_is_refused(store, digits):
    ref = find_model(store, NAME)
    with pytest.raises(InputError, match=f"as {ref}, or by its whole digest"):
        delete_named_model(store, ref.digest[:digits] if digits else NAME, force=True)
    assert list_models(store) == [ref]


def test_a_model_with_results_is_deleted_by_force_only(store, tmp_path):
    run_backtest(request_for(tmp_path), NoProgress())
    ref = find_model(store, NAME)
    with pytest.raises(ConflictError, match="1 results refer to"):
        delete_named_model(store, str(ref), force=False)
    delete_named_model(store, ref.digest, force=True)
    assert list_models(store) == []
    with pytest.raises(NotFoundError):
        delete_named_model(store, str(ref), force=False)
