import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrdr.strategy import TripleBarrierLabels
from ktrdr.training.labels import FLAT, LONG, SHORT, UNKNOWN, triple_barrier
from tests.builders import bars_from_rows, random_bars


def spec(horizon=3, profit=0.1, stop=0.1, **keys) -> TripleBarrierLabels:
    return TripleBarrierLabels(
        type="triple_barrier",
        horizon=horizon,
        take_profit=profit,
        stop_loss=stop,
        **keys,
    )


def label_of_first(rows, **keys) -> int:
    """The label of bar 0: the fill is at bar 1's open, 100."""
    first = (100, 100, 100, 100)
    return int(triple_barrier(bars_from_rows([first, *rows]), spec(**keys)).values[0])


QUIET = (100, 101, 99, 100)


@pytest.mark.parametrize(
    ("rows", "expected", "why"),
    [
        ([(100, 110, 99, 105), QUIET, QUIET], LONG, "profit in the entry bar itself"),
        ([QUIET, (100, 111, 99, 105), QUIET], LONG, "touched from within"),
        ([QUIET, QUIET, (100, 101, 90, 95)], SHORT, "the last bar counts"),
        ([QUIET, QUIET, QUIET, (100, 150, 50, 100)], FLAT, "too late"),
        ([(100, 111, 89, 100), QUIET, QUIET], FLAT, "both in one bar: order unknown"),
        ([(100, 109.9, 90.1, 100), QUIET, QUIET], FLAT, "almost"),
        ([QUIET, (115, 116, 112, 113), QUIET], LONG, "a gap through the barrier"),
        ([(100, 101, 89, 95), (95, 120, 94, 119), QUIET], SHORT, "the first counts"),
    ],
)
def test_candles_with_equal_barriers(rows, expected, why):
    assert label_of_first(rows) == expected, why


@pytest.mark.parametrize(
    ("rows", "expected", "why"),
    [
        ([(100, 121, 99, 120), QUIET, QUIET], LONG, "profit before the stop"),
        ([(100, 101, 94, 95), (95, 121, 94, 120), QUIET], FLAT, "stopped before"),
        ([(100, 101, 79, 80), QUIET, QUIET], SHORT, "the mirror image"),
        ([(100, 101, 94, 95), QUIET, QUIET], FLAT, "the stop is no signal to sell"),
        ([(100, 121, 94, 100), QUIET, QUIET], FLAT, "stop and profit in one bar"),
    ],
)
def test_candles_with_a_far_profit(rows, expected, why):
    assert label_of_first(rows, profit=0.2, stop=0.05) == expected, why


def test_with_a_near_profit_the_earlier_side_counts():
    rows = [(100, 106, 99, 105), (105, 106, 94, 95), QUIET]
    assert label_of_first(rows, profit=0.05, stop=0.2) == LONG
    rows = [(100, 106, 94, 95), QUIET, QUIET]
    assert label_of_first(rows, profit=0.05, stop=0.2) == FLAT


def test_the_last_bars_have_no_label_even_if_a_barrier_is_touched():
    bars = bars_from_rows([QUIET, QUIET, QUIET, (100, 150, 99, 150)])
    labels = triple_barrier(bars, spec(horizon=3))
    assert labels.values.tolist() == [LONG, UNKNOWN, UNKNOWN, UNKNOWN]
    assert labels.end.tolist() == [3, -1, -1, -1]


def test_atr_distances_are_those_known_at_the_decision():
    bars = random_bars(60, seed=4)
    one = triple_barrier(bars, spec(5, 1.0, 1.0, unit="atr", atr_period=14))
    atr = talib.ATR(bars.high, bars.low, bars.close, timeperiod=14)
    assert not one.is_known[:14].any()
    assert one.is_known[14:55].all()
    for i in range(14, 55):
        fraction = float(atr[i] / bars.open[i + 1])
        same = triple_barrier(bars, spec(5, fraction, min(fraction, 0.99)))
        assert one.values[i] == same.values[i]


def slow_label(bars, i, horizon, profit, stop) -> int:
    """One trade at a time, bar by bar."""
    entry = bars.open[i + 1]
    outcomes = []
    for side in (1, -1):
        step = None
        for k in range(horizon):
            best, worst = (
                (bars.high[i + 1 + k], bars.low[i + 1 + k])
                if side == 1
                else (-bars.low[i + 1 + k], -bars.high[i + 1 + k])
            )
            if worst <= side * entry - stop:
                break
            if best >= side * entry + profit:
                step = k
                break
        outcomes.append(step)
    long_step, short_step = outcomes
    if long_step is None and short_step is None:
        return FLAT
    if short_step is None or (long_step is not None and long_step < short_step):
        return LONG
    if long_step is None or short_step < long_step:
        return SHORT
    return FLAT


@settings(deadline=None)
@given(
    n_bars=st.integers(0, 60),
    horizon=st.integers(1, 40),
    profit=st.sampled_from([0.001, 0.01, 0.03]),
    stop=st.sampled_from([0.001, 0.01, 0.03]),
    seed=st.integers(0, 999),
)
def test_it_equals_its_slow_twin(n_bars, horizon, profit, stop, seed):
    bars = random_bars(n_bars, seed=seed)
    labels = triple_barrier(bars, spec(horizon, profit, stop))
    for i in range(n_bars):
        if i + horizon >= n_bars:
            assert labels.values[i] == UNKNOWN
            continue
        entry = bars.open[i + 1]
        expected = slow_label(bars, i, horizon, profit * entry, stop * entry)
        assert labels.values[i] == expected
        assert labels.end[i] == i + horizon


def test_a_hundred_thousand_bars_with_a_long_horizon_are_quick():
    bars = random_bars(100_000)
    labels = triple_barrier(bars, spec(1000, 0.02, 0.02))
    assert np.bincount(labels.values[labels.is_known], minlength=3).sum() == 99_000
