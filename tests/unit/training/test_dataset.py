import numpy as np
import pytest

from ktrdr.data import BarStore
from ktrdr.errors import InputError
from ktrdr.features import compute_features, load_symbol_bars
from ktrdr.training import make_dataset, make_labels
from ktrdr.training.fitting import class_weights
from ktrdr.training.split import PART_NAMES
from tests.builders import random_bars
from tests.unit.training.strategies import Listener, stored, strategy

LABELS = {
    "forward": {"type": "forward_return", "horizon": 4, "threshold": 0.002},
    "barrier": {
        "type": "triple_barrier",
        "horizon": 6,
        "take_profit": 1.0,
        "stop_loss": 1.0,
        "unit": "atr",
    },
    "zigzag": {"type": "zigzag", "threshold": 0.02},
}


def dataset_of(tmp_path, spec, *all_bars, listener=None):
    bar_store = BarStore(stored(tmp_path, *all_bars))
    symbols = [
        load_symbol_bars(bar_store, spec, name, {})
        for name in spec.training_data.symbols
    ]
    return make_dataset(spec, symbols, listener or Listener()), symbols


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_samples_are_features_and_labels_of_the_same_bars(tmp_path, labels):
    spec = strategy(labels=labels)
    bars = random_bars(600)
    dataset, symbols = dataset_of(tmp_path, spec, bars)
    matrix = compute_features(spec, symbols[0].bars, dataset.fitted)
    own = make_labels(bars, spec.training.labels, "classification")
    features, targets = [], []
    for part in PART_NAMES:
        period = dataset.split[part]
        for i in range(len(bars)):
            is_sample = (
                matrix.is_known[i]
                and own.is_known[i]
                and period.start <= bars.time[i]
                and bars.time[own.end[i]] < period.end
            )
            if is_sample:
                features.append(matrix.values[i])
                targets.append(own.values[i])
    pooled = [dataset.parts[part] for part in PART_NAMES]
    found = np.concatenate([part.features for part in pooled])
    np.testing.assert_array_equal(found, np.array(features, np.float32))
    np.testing.assert_array_equal(
        np.concatenate([part.targets for part in pooled]), targets
    )


def test_labels_never_enter_features(tmp_path):
    # Two futures after the same past: whatever label a bar has, its features stay.
    past = random_bars(400, seed=1)
    spec = strategy()
    whole, symbols = dataset_of(tmp_path / "whole", spec, past)
    matrix = compute_features(spec, symbols[0].bars, whole.fitted)
    for cut in (120, 250, 399):
        bar_store = BarStore(stored(tmp_path / str(cut), past[:cut]))
        symbol = load_symbol_bars(bar_store, spec, "TEST", {})
        part = compute_features(spec, symbol.bars, whole.fitted)
        np.testing.assert_array_equal(part.values, matrix.values[:cut])
    assert len(whole.names) == whole.parts["train"].features.shape[1]
    assert not any("label" in name for name in whole.names)


def test_fitted_features_depend_on_the_training_part_only(tmp_path):
    bars = random_bars(400, seed=1)
    spec = strategy()
    first, _ = dataset_of(tmp_path / "a", spec, bars)
    cut = int(np.searchsorted(bars.time, first.split.train.end))
    other = random_bars(400, seed=2)
    changed = type(bars)(
        symbol=bars.symbol,
        timeframe=bars.timeframe,
        time=bars.time,
        **{
            name: np.concatenate(
                [getattr(bars, name)[:cut], getattr(other, name)[cut:]]
            )
            for name in ("open", "high", "low", "close", "volume")
        },
    )
    second, _ = dataset_of(tmp_path / "b", spec, changed)
    assert first.fitted == second.fitted
    np.testing.assert_array_equal(
        first.parts["train"].features, second.parts["train"].features
    )
    np.testing.assert_array_equal(
        first.parts["train"].targets, second.parts["train"].targets
    )
    assert not np.array_equal(
        first.parts["test"].features, second.parts["test"].features
    )


def test_each_symbol_is_labelled_by_itself(tmp_path):
    one = random_bars(300, seed=1, symbol="ONE")
    two = random_bars(300, seed=2, symbol="TWO")
    listener = Listener()
    both, _ = dataset_of(
        tmp_path, strategy(symbols=("ONE", "TWO")), one, two, listener=listener
    )
    expected = []
    for bars in (one, two):
        labels = make_labels(bars, strategy().training.labels, "classification")
        rows = (np.arange(300) >= 7) & (labels.end < 180) & labels.is_known
        expected.append(labels.values[rows])
    np.testing.assert_array_equal(both.parts["train"].targets, np.concatenate(expected))
    assert listener.phases == [("features and labels", 2, "symbols")]
    assert listener.steps["features and labels"] == 2


def test_start_end_and_history_cut_samples_but_not_warm_up(tmp_path):
    bars = random_bars(500)
    start, end = str(bars.time[100])[:19], str(bars.time[400])[:19]
    spec = strategy(data={"start": start, "end": end, "history_required": 120})
    dataset, _ = dataset_of(tmp_path, spec, bars)
    assert dataset.split.train.start == bars.time[120]
    assert dataset.split.test.last == bars.time[399]
    # Labels of the last samples don't reach beyond the end, though bars go on.
    assert sum(len(dataset.parts[part]) for part in PART_NAMES) == 280 - 3 * 5


def test_regression_targets_are_the_returns(tmp_path):
    spec = strategy(
        decisions={"format": "regression"},
        loss={"type": "mse"},
        labels={"type": "forward_return", "horizon": 4},
    )
    bars = random_bars(300)
    dataset, _ = dataset_of(tmp_path, spec, bars)
    returns = bars.open[12:] / bars.open[8:-4] - 1
    np.testing.assert_array_equal(dataset.parts["train"].returns[:50], returns[:50])


def test_the_reference_is_the_mean_of_the_training_features(tmp_path):
    dataset, _ = dataset_of(tmp_path, strategy(), random_bars(300))
    np.testing.assert_allclose(
        dataset.reference, dataset.parts["train"].features.mean(axis=0), atol=1e-6
    )


def test_balanced_weights_come_from_the_training_part(tmp_path):
    spec = strategy(class_weights="balanced")
    dataset, _ = dataset_of(tmp_path, spec, random_bars(400))
    counts = np.bincount(dataset.parts["train"].targets, minlength=3)
    expected = counts.sum() / (3 * counts)
    assert class_weights(spec.training, dataset) == pytest.approx(expected)
    weighed = np.array(class_weights(spec.training, dataset)) * counts
    assert np.ptp(weighed) < 1e-9


def test_given_weights_are_those_of_the_classes_in_order(tmp_path):
    weights = {"long": 3.0, "flat": 2.0, "short": 1.0}
    spec = strategy(class_weights=weights)
    dataset, _ = dataset_of(tmp_path, spec, random_bars(400))
    assert class_weights(spec.training, dataset) == [1.0, 2.0, 3.0]
    assert class_weights(strategy().training, dataset) is None


def test_too_few_samples_are_an_error_with_numbers_and_reasons(tmp_path):
    spec = strategy(labels={"type": "forward_return", "horizon": 15})
    message = r"too few samples: \d+ in train .* in test .*TEST: .* rows are unknown"
    with pytest.raises(InputError, match=message):
        dataset_of(tmp_path, spec, random_bars(100))


def test_labels_of_one_class_are_an_error(tmp_path):
    labels = {"type": "forward_return", "horizon": 1, "threshold": 0.9}
    with pytest.raises(InputError, match="no training label is short or long"):
        dataset_of(tmp_path, strategy(labels=labels), random_bars(300))


def test_a_class_that_never_occurs_is_noted(tmp_path):
    listener = Listener()
    spec = strategy(labels=LABELS["zigzag"], class_weights="balanced")
    dataset, _ = dataset_of(tmp_path, spec, random_bars(600), listener=listener)
    assert listener.notes == ["no training label is flat: it will not be predicted"]
    weights = class_weights(spec.training, dataset) or []
    assert weights[1] == 1.0
    counts = np.bincount(dataset.parts["train"].targets, minlength=3)
    assert weights[0] * counts[0] == pytest.approx(weights[2] * counts[2])
