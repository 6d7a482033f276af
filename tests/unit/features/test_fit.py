import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrdr.data import Bars, Timeframe, resample
from ktrdr.errors import DataError
from ktrdr.features import FitSample, compute_features, fit_features
from ktrdr.indicators import compute_indicator
from tests.builders import bars_from_rows, random_bars
from tests.unit.features.strategies import two_timeframes
from tests.unit.features.test_compute import both, without

H1, H4 = Timeframe.H1, Timeframe.H4


def sample(base: Bars, in_training: np.ndarray) -> FitSample:
    return FitSample(bars=both(base), in_training=in_training)


def changed_after(bars: Bars, row: int, seed: int) -> Bars:
    other = random_bars(len(bars), seed=seed + 1_000)
    columns = {
        name: np.concatenate([getattr(bars, name)[:row], getattr(other, name)[row:]])
        for name in ("open", "high", "low", "close", "volume")
    }
    return Bars(symbol=bars.symbol, timeframe=bars.timeframe, time=bars.time, **columns)


@settings(max_examples=30, deadline=None)
@given(end=st.integers(60, 190), seed=st.integers(0, 20))
def test_bars_outside_the_training_part_change_nothing(end, seed):
    strategy = two_timeframes()
    base = random_bars(200, seed=seed)
    in_training = np.arange(200) < end
    fitted = fit_features(strategy, [sample(base, in_training)])
    elsewhere = sample(changed_after(base, end, seed), in_training)
    assert fit_features(strategy, [elsewhere]) == fitted


def test_bars_inside_the_training_part_change_the_fit():
    strategy = two_timeframes()
    base = random_bars(200)
    in_training = np.arange(200) < 150
    fitted = fit_features(strategy, [sample(base, in_training)])
    other = fit_features(strategy, [sample(changed_after(base, 149, 0), in_training)])
    assert other != fitted


def test_longer_bars_count_once_and_only_when_known():
    strategy = two_timeframes()
    base = random_bars(200)
    in_training = np.arange(200) < 102
    fitted = fit_features(strategy, [sample(base, in_training)])
    longer = resample(base, H4)
    # 102 hours hold 25 whole 4h bars.
    values = compute_indicator(strategy.indicators["range"], longer)["value"][:25]
    values = values[~np.isnan(values)]
    scaler = fitted.scalers["4h_range_raw"]
    assert scaler.mean == pytest.approx(values.mean(), rel=1e-15)
    assert scaler.std == pytest.approx(values.std(), rel=1e-15)


def test_training_rows_are_standardized():
    strategy = two_timeframes()
    base = random_bars(300)
    in_training = np.arange(300) < 200
    fitted = fit_features(strategy, [sample(base, in_training)])
    matrix = compute_features(strategy, both(base), fitted)
    column = matrix.values[in_training, matrix.names.index("1h_range_raw")]
    assert np.nanmean(column) == pytest.approx(0, abs=1e-12)
    assert np.nanstd(column) == pytest.approx(1, abs=1e-12)


def test_symbols_are_pooled():
    strategy = two_timeframes()
    first, second = random_bars(150, seed=1), random_bars(250, seed=2)
    samples = [sample(one, np.ones(len(one), bool)) for one in (first, second)]
    values = [
        compute_indicator(strategy.indicators["range"], one)["value"]
        for one in (first, second)
    ]
    pooled = np.concatenate(values)
    scaler = fit_features(strategy, samples).scalers["1h_range_raw"]
    assert scaler.mean == pytest.approx(np.nanmean(pooled), rel=1e-14)


def test_given_memberships_are_not_fitted():
    strategy = two_timeframes()
    fitted = fit_features(strategy, [sample(random_bars(200), np.ones(200, bool))])
    assert set(fitted.partitions) == {"4h_place"}
    assert set(fitted.scalers) == {"1h_range_raw", "4h_range_raw"}


WITHOUT_PLACE = (
    ("  - {fuzzy_set: place, timeframes: [4h]}\n", ""),
    ("  place:\n    indicator: bands.upperband\n", ""),
    ("    auto: [cheap, fair, dear]\n", ""),
    ("  bands: {type: bbands, timeperiod: 6}\n", ""),
)


def test_constant_raw_feature_is_refused():
    strategy = two_timeframes(*WITHOUT_PLACE)
    flat = bars_from_rows([(1.1, 1.1, 1.1, 1.1)] * 200)
    with pytest.raises(DataError, match="1h_range_raw: all 196 training values are 0"):
        fit_features(strategy, [sample(flat, np.ones(200, bool))])


def test_no_known_value_is_refused():
    strategy = two_timeframes()
    in_training = np.arange(200) < 10
    with pytest.raises(DataError, match="4h_place: no known value"):
        fit_features(strategy, [sample(random_bars(200), in_training)])


def test_mark_of_another_length_is_refused():
    strategy = two_timeframes()
    with pytest.raises(DataError, match=r"expected bool of shape \(200,\)"):
        fit_features(strategy, [sample(random_bars(200), np.ones(199, bool))])


def test_training_part_with_holes_uses_its_own_bars_only():
    strategy = two_timeframes()
    base = without(random_bars(260), np.arange(100, 140))
    in_training = np.zeros(len(base), bool)
    in_training[50:90] = True
    values = compute_indicator(strategy.indicators["range"], base)["value"][50:90]
    scaler = fit_features(strategy, [sample(base, in_training)]).scalers
    assert scaler["1h_range_raw"].mean == pytest.approx(values.mean(), rel=1e-14)
