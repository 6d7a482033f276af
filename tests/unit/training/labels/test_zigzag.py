import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrdr.indicators import catalogue
from ktrdr.strategy import ZigzagLabels
from ktrdr.training.labels import LONG, SHORT, UNKNOWN, zigzag
from tests.builders import bars_from_rows, random_bars


def labels_of(closes, threshold=0.1):
    bars = bars_from_rows([(close, close, close, close) for close in closes])
    return zigzag(bars, ZigzagLabels(type="zigzag", threshold=threshold))


def test_each_bar_has_the_direction_of_its_swing():
    #          low at 1  ..  top at 4  ..  low at 6
    closes = [100, 95, 100, 110, 120, 112, 100, 105, 115]
    labels = labels_of(closes)
    assert labels.values.tolist() == [
        SHORT,
        LONG,
        LONG,
        LONG,
        SHORT,
        SHORT,
        UNKNOWN,
        UNKNOWN,
        UNKNOWN,
    ]
    # 110 confirms the low at 95, 100 the top at 120, 115 the low at 100.
    assert labels.end.tolist() == [3, 6, 6, 6, 8, 8, -1, -1, -1]


@pytest.mark.parametrize("closes", [[], [100.0], [100.0] * 5, [100, 101, 102]])
def test_without_a_confirmed_swing_nothing_is_known(closes):
    assert not labels_of(closes).is_known.any()


def slow_labels(closes, threshold):
    """Walk swing by swing, keeping the extreme so far."""
    values, end = [UNKNOWN] * len(closes), [-1] * len(closes)
    start, direction = 0, 0
    top = bottom = 0
    for i, close in enumerate(closes):
        top = i if close > closes[top] else top
        bottom = i if close < closes[bottom] else bottom
        turned_up = direction <= 0 and close >= closes[bottom] * (1 + threshold)
        turned_down = direction >= 0 and close <= closes[top] * (1 - threshold)
        if not (turned_up or turned_down):
            continue
        pivot = bottom if turned_up else top
        for row in range(start, pivot):
            values[row], end[row] = (SHORT if turned_up else LONG), i
        start, direction = pivot, 1 if turned_up else -1
        top = bottom = i
    return values, end


@settings(deadline=None)
@given(st.integers(0, 200), st.sampled_from([0.005, 0.02, 0.1]), st.integers(0, 999))
def test_it_equals_its_slow_twin(n_bars, threshold, seed):
    bars = random_bars(n_bars, seed=seed)
    labels = zigzag(bars, ZigzagLabels(type="zigzag", threshold=threshold))
    values, end = slow_labels(bars.close.tolist(), threshold)
    assert labels.values.tolist() == values
    assert labels.end.tolist() == end


def test_later_bars_change_no_label_that_is_known():
    bars = random_bars(300, seed=2)
    spec = ZigzagLabels(type="zigzag", threshold=0.02)
    whole = zigzag(bars, spec)
    cut = zigzag(bars[:200], spec)
    known = cut.is_known
    assert known.sum() > 50
    assert (cut.values[known] == whole.values[:200][known]).all()
    assert (cut.end[known] == whole.end[:200][known]).all()
    # And what is not known there ends later than the cut.
    assert (whole.end[:200][~known] >= 200).all()


def test_a_strategy_accepts_just_the_thresholds_that_the_indicator_accepts():
    (of_indicator,) = [
        one for one in catalogue()["zigzag"].parameters if one.name == "threshold"
    ]
    of_labels = ZigzagLabels.model_json_schema()["properties"]["threshold"]
    assert of_labels["minimum"] == of_indicator.minimum
    assert of_labels["maximum"] == of_indicator.maximum
