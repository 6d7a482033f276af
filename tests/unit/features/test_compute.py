import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrdr.data import Bars, Timeframe, resample, sample_bars
from ktrdr.errors import BundleError, DataError
from ktrdr.features import (
    FitSample,
    FittedFeatures,
    compute_features,
    explain_unknown,
    feature_gaps,
    fit_features,
    indicator_values,
)
from ktrdr.indicators import compute_indicator
from tests.builders import random_bars
from tests.unit.features.slow_features import slow_features
from tests.unit.features.strategies import two_timeframes

H1, H4 = Timeframe.H1, Timeframe.H4


def both(base: Bars) -> dict[Timeframe, Bars]:
    return {H1: base, H4: resample(base, H4)}


def without(bars: Bars, rows: np.ndarray) -> Bars:
    kept = np.setdiff1d(np.arange(len(bars)), rows)
    columns = {name: getattr(bars, name)[kept] for name in ("time", *COLUMNS)}
    return Bars(symbol=bars.symbol, timeframe=bars.timeframe, **columns)


COLUMNS = ("open", "high", "low", "close", "volume")


def fitted_on(strategy, bars):
    n_bars = len(bars[H1])
    sample = FitSample(bars=bars, in_training=np.arange(n_bars) < n_bars // 2)
    return fit_features(strategy, [sample])


def test_names_follow_the_strategy_file():
    strategy = two_timeframes()
    bars = both(random_bars(120))
    matrix = compute_features(strategy, bars, fitted_on(strategy, bars))
    assert matrix.names == (
        "1h_momentum_low",
        "1h_momentum_medium",
        "1h_momentum_high",
        "4h_momentum_low",
        "4h_momentum_medium",
        "4h_momentum_high",
        "4h_place_cheap",
        "4h_place_fair",
        "4h_place_dear",
        "1h_range_raw",
        "4h_range_raw",
    )
    assert matrix.values.shape == (120, 11)
    assert (matrix.time == bars[H1].time).all()


@pytest.mark.parametrize("seed", range(3))
def test_equals_the_slow_twin(seed):
    strategy = two_timeframes()
    rng = np.random.default_rng(seed)
    base = without(random_bars(150, seed=seed), rng.choice(150, 30, replace=False))
    bars = both(base)
    fitted = fitted_on(strategy, bars)
    matrix = compute_features(strategy, bars, fitted)
    assert matrix.is_known.sum() > 60
    np.testing.assert_allclose(
        matrix.values, slow_features(strategy, bars, fitted), rtol=0, atol=1e-12
    )


def test_longer_bar_is_joined_at_the_bar_that_closes_with_it():
    strategy = two_timeframes()
    base = random_bars(64, start="2020-01-06T00:00")
    bars = both(base)
    values = compute_features(strategy, bars, fitted_on(strategy, bars)).values[:, 3]
    known = np.flatnonzero(~np.isnan(values))
    # RSI over 5 bars needs 6; the sixth 4h bar closes with the 24th 1h bar.
    assert known[0] == 23
    changes = np.flatnonzero(np.diff(values[known])) + known[0] + 1
    assert set(changes % 4) == {3}


def test_longer_value_stays_the_last_known_through_a_gap():
    strategy = two_timeframes()
    base = random_bars(80)
    longer = without(resample(base, H4), np.arange(10, 15))
    bars = {H1: base, H4: longer}
    values = compute_features(strategy, bars, fitted_on(strategy, bars)).values[:, 3:6]
    assert (values[39:63] == values[39]).all()
    assert (values[63] != values[39]).any()


@settings(max_examples=30, deadline=None)
@given(k=st.integers(1, 149), seed=st.integers(0, 5))
def test_prefix_with_longer_bars_resampled_from_the_prefix(k, seed):
    strategy = two_timeframes()
    rng = np.random.default_rng(seed)
    base = without(random_bars(180, seed=seed), rng.choice(180, 30, replace=False))
    bars = both(base)
    fitted = fitted_on(strategy, bars)
    full = compute_features(strategy, bars, fitted)
    cut = compute_features(strategy, both(base[:k]), fitted)
    np.testing.assert_array_equal(cut.values, full.values[:k])


@settings(max_examples=30, deadline=None)
@given(k=st.integers(1, 149), seed=st.integers(0, 5))
def test_prefix_with_stored_longer_bars_cut_by_availability(k, seed):
    strategy = two_timeframes()
    base = random_bars(150, seed=seed)
    longer = random_bars(40, seed=seed + 100, timeframe=H4)
    bars = {H1: base, H4: longer}
    fitted = fitted_on(strategy, bars)
    full = compute_features(strategy, bars, fitted)
    now = base.close_time[k - 1]
    closed = longer[: int((longer.close_time <= now).sum())]
    cut = compute_features(strategy, {H1: base[:k], H4: closed}, fitted)
    np.testing.assert_array_equal(cut.values, full.values[:k])


def test_prefix_on_real_bars():
    strategy = two_timeframes()
    base = sample_bars()
    bars = both(base)
    fitted = fitted_on(strategy, bars)
    full = compute_features(strategy, bars, fitted)
    for k in (500, 1_237, 4_001, len(base) - 1):
        cut = compute_features(strategy, both(base[:k]), fitted)
        np.testing.assert_array_equal(cut.values, full.values[:k])


def test_indicator_values_are_known_when_the_features_are():
    strategy = two_timeframes()
    bars = both(random_bars(120))
    values = indicator_values(strategy, bars)
    features = compute_features(strategy, bars, fitted_on(strategy, bars))
    assert values.names == (
        "1h_momentum",
        "4h_momentum",
        "4h_place",
        "1h_range_raw",
        "4h_range_raw",
    )
    assert (values.is_known == features.is_known).all()
    rsi = compute_indicator(strategy.indicators["rsi"], bars[H1])["value"]
    np.testing.assert_array_equal(values.values[:, 0], rsi)


def test_infinite_indicator_is_refused_with_its_place(monkeypatch):
    def infinite(use, bars):
        return {"value": np.full(len(bars), np.inf), "upperband": bars.close}

    monkeypatch.setattr("ktrdr.features.series.compute_indicator", infinite)
    message = "indicator rsi is infinite in 80 bars, the first at 2020-01-06"
    with pytest.raises(DataError, match=message):
        indicator_values(two_timeframes(), both(random_bars(80)))


def test_missing_timeframe_is_named():
    strategy = two_timeframes()
    base = random_bars(50)
    with pytest.raises(DataError, match="needs 4h bars; given: 1h"):
        compute_features(strategy, {H1: base}, FittedFeatures())


def test_missing_partition_is_named():
    strategy = two_timeframes()
    with pytest.raises(BundleError, match="partition 4h_place holds nothing"):
        compute_features(strategy, both(random_bars(80)), FittedFeatures())


def test_no_longer_bar_yet_leaves_all_rows_unknown():
    strategy = two_timeframes()
    bars = both(random_bars(120))
    fitted = fitted_on(strategy, bars)
    matrix = compute_features(strategy, {H1: bars[H1], H4: bars[H4][:0]}, fitted)
    assert not matrix.is_known.any()
    assert "never become known; more bars are needed" in explain_unknown(matrix)


def test_unknown_rows_are_explained():
    strategy = two_timeframes()
    bars = both(random_bars(120))
    matrix = compute_features(strategy, bars, fitted_on(strategy, bars))
    gaps = {gap.name: gap for gap in feature_gaps(matrix)}
    assert gaps["1h_momentum_low"].first_known == 5
    assert gaps["4h_momentum_low"].first_known == 23
    assert gaps["1h_range_raw"].n_unknown_later == 0
    assert explain_unknown(matrix) == (
        "23 of 120 rows are unknown: 4h_momentum_low is the last to become known, "
        "in row 23 (2020-01-06 23:00)"
    )
    assert explain_unknown(matrix[30:]) == "all 90 rows are known"


def test_later_unknown_rows_are_told_apart_from_the_warm_up():
    strategy = two_timeframes(
        ("range: {type: atr, timeperiod: 4}", "range: {type: volume_ratio}"),
    )
    bars = both(random_bars(400))
    matrix = compute_features(strategy, bars, fitted_on(strategy, bars))
    values = matrix.values.copy()
    values[200:210, 9] = np.nan
    holed = type(matrix)(names=matrix.names, time=matrix.time, values=values)
    assert "10 of them lie later, most through 1h_range_raw" in explain_unknown(holed)
