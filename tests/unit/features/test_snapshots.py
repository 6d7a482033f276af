from datetime import UTC, datetime

import numpy as np
import pytest

from ktrdr.data import Bars, BarStore, Provenance, Timeframe, install_sample, resample
from ktrdr.errors import DataError, InputError, NotFoundError
from ktrdr.features import load_symbol_bars
from ktrdr.storage import ArtifactStore
from tests.builders import random_bars
from tests.unit.features.strategies import two_timeframes

H1, H4 = Timeframe.H1, Timeframe.H4


@pytest.fixture
def bar_store(tmp_path):
    return BarStore(ArtifactStore.in_folder(tmp_path))


def keep(bar_store, bars):
    provenance = Provenance(kind="made", source="a test", imported_at=datetime.now(UTC))
    return bar_store.save(bars, provenance)


def assert_same(left: Bars, right: Bars) -> None:
    for name in ("time", "open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name))


def test_longer_bars_are_resampled_when_none_are_stored(bar_store):
    base = random_bars(200)
    snapshot = keep(bar_store, base)
    loaded = load_symbol_bars(bar_store, two_timeframes(), "TEST", {})
    assert_same(loaded.base, base)
    assert_same(loaded.bars[H4], resample(base, H4))
    use = loaded.uses[1]
    assert (use.timeframe, use.digest, use.is_resampled) == (
        "4h",
        snapshot.digest,
        True,
    )
    assert (use.n_bars, use.start) == (50, "2020-01-06T00:00:00Z")
    assert not loaded.uses[0].is_resampled


def test_stored_longer_bars_are_preferred(bar_store):
    keep(bar_store, random_bars(200))
    longer = random_bars(50, seed=9, timeframe=H4)
    keep(bar_store, longer)
    loaded = load_symbol_bars(bar_store, two_timeframes(), "TEST", {})
    assert_same(loaded.bars[H4], longer)
    assert not loaded.uses[1].is_resampled


def test_pins_give_the_same_bars_after_newer_imports(bar_store):
    first = random_bars(200)
    keep(bar_store, first)
    before = load_symbol_bars(bar_store, two_timeframes(), "TEST", {})
    keep(bar_store, random_bars(220, seed=5))
    keep(bar_store, random_bars(60, seed=6, timeframe=H4))
    after = load_symbol_bars(bar_store, two_timeframes(), "TEST", before.pins)
    assert after.uses == before.uses
    for timeframe in (H1, H4):
        assert_same(after.bars[timeframe], before.bars[timeframe])


def test_missing_base_bars_are_named(bar_store):
    with pytest.raises(NotFoundError, match="no 1h bars of TEST"):
        load_symbol_bars(bar_store, two_timeframes(), "TEST", {})


def test_pin_of_another_symbol_is_refused(bar_store):
    keep(bar_store, random_bars(200))
    other = install_sample(bar_store)
    with pytest.raises(InputError, match="holds EURUSD 1h bars, expected TEST 1h"):
        load_symbol_bars(bar_store, two_timeframes(), "TEST", {"1h": other.digest})


def test_pin_of_longer_bars_is_refused(bar_store):
    keep(bar_store, random_bars(200))
    longer = keep(bar_store, random_bars(50, timeframe=H4))
    with pytest.raises(InputError, match="holds TEST 4h bars, expected TEST 1h"):
        load_symbol_bars(bar_store, two_timeframes(), "TEST", {"1h": longer.digest})


def test_pin_of_an_unused_timeframe_is_refused(bar_store):
    snapshot = keep(bar_store, random_bars(200))
    with pytest.raises(InputError, match=r"given for 1d, but .* uses 1h, 4h"):
        load_symbol_bars(bar_store, two_timeframes(), "TEST", {"1d": snapshot.digest})


def test_longer_bars_that_end_long_before_the_base_are_refused(bar_store):
    keep(bar_store, random_bars(400))
    keep(bar_store, random_bars(50, timeframe=H4))
    with pytest.raises(DataError, match="the 4h bars end at 2020-01-14T04:00:00Z"):
        load_symbol_bars(bar_store, two_timeframes(), "TEST", {})


def test_too_few_base_bars_for_a_longer_bar_are_refused(bar_store):
    keep(bar_store, random_bars(3))
    with pytest.raises(DataError, match="too few for one 4h bar"):
        load_symbol_bars(bar_store, two_timeframes(), "TEST", {})
