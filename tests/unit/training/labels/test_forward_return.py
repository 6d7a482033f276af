import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrdr.strategy import ForwardReturnLabels
from ktrdr.training.labels import FLAT, LONG, SHORT, UNKNOWN, forward_return
from tests.builders import bars_from_rows, random_bars


def spec(horizon, threshold=0.0) -> ForwardReturnLabels:
    return ForwardReturnLabels(
        type="forward_return", horizon=horizon, threshold=threshold
    )


def slow_return(bars, i, horizon) -> float:
    if i + 1 + horizon >= len(bars):
        return float("nan")
    return float(bars.open[i + 1 + horizon] / bars.open[i + 1] - 1)


@pytest.fixture
def rising():
    # open, high, low, close; the opens are 100, 110, 121, 121, 60.5, 60.5
    return bars_from_rows(
        [
            (100, 112, 99, 111),
            (110, 122, 109, 120),
            (121, 125, 118, 119),
            (121, 123, 60, 61),
            (60.5, 62, 60, 61),
            (60.5, 61, 59, 60),
        ]
    )


def test_returns_run_from_the_fill_to_the_open_a_horizon_later(rising):
    labels = forward_return(rising, spec(1), "regression")
    expected = [0.1, 0.0, -0.5, 0.0, np.nan, np.nan]
    np.testing.assert_allclose(labels.values, expected, atol=1e-15)
    assert labels.end.tolist() == [2, 3, 4, 5, -1, -1]


def test_classes_lie_beyond_the_threshold(rising):
    labels = forward_return(rising, spec(1, 0.2), "classification")
    assert labels.values.tolist() == [FLAT, FLAT, SHORT, FLAT, UNKNOWN, UNKNOWN]
    labels = forward_return(rising, spec(1, 0.05), "classification")
    assert labels.values.tolist() == [LONG, FLAT, SHORT, FLAT, UNKNOWN, UNKNOWN]


@given(st.integers(0, 40), st.integers(1, 30), st.integers(0, 99))
def test_it_equals_its_slow_twin(n_bars, horizon, seed):
    bars = random_bars(n_bars, seed=seed)
    labels = forward_return(bars, spec(horizon, 0.01), "classification")
    returns = forward_return(bars, spec(horizon), "regression").values
    for i in range(n_bars):
        expected = slow_return(bars, i, horizon)
        np.testing.assert_equal(returns[i], expected)
        known = not np.isnan(expected)
        assert labels.is_known[i] == known
        assert labels.end[i] == (i + 1 + horizon if known else -1)
        word = LONG if expected > 0.01 else SHORT if expected < -0.01 else FLAT
        assert labels.values[i] == (word if known else UNKNOWN)
