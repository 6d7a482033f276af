import numpy as np
import pytest

from ktrdr.indicators import IndicatorUse, compute_indicator
from ktrdr.strategy import ZigzagLabels
from ktrdr.training import classification_measures, judge, regression_measures
from ktrdr.training.labels import LONG, SHORT, zigzag
from ktrdr.training.verdict import balanced_accuracy_error
from tests.builders import random_bars

PRIOR = np.ones(3) / 3


def class_metrics(share_right: dict[str, float], n_samples: int = 3000):
    """Test metrics of models that are right in such a share of the bars."""
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 3, n_samples)
    measures = {}
    for name, share in share_right.items():
        said = np.where(rng.random(n_samples) < share, classes, (classes + 1) % 3)
        measures[name] = classification_measures(np.eye(3)[said], classes, PRIOR)
    return {"test": measures}


def value_metrics(strengths: dict[str, float], n_samples: int = 1000):
    rng = np.random.default_rng(0)
    actual = rng.normal(size=n_samples)
    measures = {}
    for name, strength in strengths.items():
        best = strength**2 * actual
        noise = np.sqrt(strength**2 - strength**4) * rng.normal(size=n_samples)
        measures[name] = regression_measures(best + noise, actual)
    return {"test": measures}


def test_a_clearly_better_model_is_called_better():
    metrics = class_metrics({"model": 0.6, "linear": 0.45, "majority": 0.33})
    verdict = judge(metrics, mean_span=1.0)
    assert verdict.is_better
    assert "better than its baselines on these samples" in verdict.sentences[-1]


def test_a_model_below_a_baseline_is_not():
    metrics = class_metrics({"model": 0.5, "linear": 0.55, "majority": 0.33})
    verdict = judge(metrics, mean_span=1.0)
    assert not verdict.is_better
    assert any("not above the linear baseline" in one for one in verdict.sentences)
    assert "not shown to be better than the linear baseline" in verdict.sentences[-1]


def test_what_the_linear_baseline_finds_too_is_not_called_worthless():
    found = class_metrics({"model": 0.86, "linear": 0.86, "majority": 0.33})
    assert "expect nothing" not in judge(found, mean_span=1.0).sentences[-1]
    nothing = class_metrics({"model": 0.33, "linear": 0.33, "majority": 0.33})
    assert "expect nothing" in judge(nothing, mean_span=1.0).sentences[-1]


def test_zigzag_labels_must_be_told_better_than_at_random_prices():
    metrics = class_metrics({"model": 0.73, "linear": 0.6, "majority": 0.33})
    assert judge(metrics, mean_span=1.0).is_better
    verdict = judge(metrics, mean_span=1.0, are_zigzag=True)
    assert not verdict.is_better
    assert any("at random prices (0.750)" in one for one in verdict.sentences)
    assert "expect nothing of its trades" in verdict.sentences[-1]
    better = class_metrics({"model": 0.85, "linear": 0.6, "majority": 0.33})
    assert judge(better, mean_span=1.0, are_zigzag=True).is_better


def test_the_past_tells_three_zigzag_labels_in_four_at_random_prices():
    bars = random_bars(100_000, volatility=0.0005, gap_volatility=0.0)
    spec = ZigzagLabels(type="zigzag", threshold=0.005)
    labels = zigzag(bars, spec)
    use = IndicatorUse(type="zigzag", parameters={"threshold": spec.threshold})
    known = compute_indicator(use, bars)
    rows, direction = np.arange(len(bars)), np.where(known["direction"] < 0, -1, 1)
    begins = rows - known["bars_since"].astype(np.int64)
    extreme = np.empty(len(bars))
    for leg in np.split(rows, np.flatnonzero(np.diff(begins)) + 1):
        closes = direction[leg[0]] * bars.close[begins[leg[0]] : leg[-1] + 1]
        extreme[leg] = np.abs(np.maximum.accumulate(closes))[-len(leg) :]
    # Says that the leg goes on until half the threshold is lost from its extreme.
    lost = np.abs(bars.close / extreme - 1) / spec.threshold
    direction = np.where(lost < 0.5, direction, -direction)
    said = np.where(direction > 0, LONG, SHORT)
    right = said[labels.is_known] == labels.values[labels.is_known]
    assert right.mean() == pytest.approx(0.75, abs=0.02)


def test_a_gain_that_overlapping_labels_may_explain_is_not_enough():
    metrics = class_metrics({"model": 0.50, "linear": 0.45, "majority": 0.40})
    assert judge(metrics, mean_span=1.0).is_better
    verdict = judge(metrics, mean_span=24.0)
    assert not verdict.is_better
    assert any("chance may explain it" in one for one in verdict.sentences)


def test_a_model_that_always_says_the_same_is_told_so():
    classes = np.tile([0, 1, 2], 50)
    same = classification_measures(
        np.broadcast_to([0.2, 0.5, 0.3], (150, 3)), classes, PRIOR
    )
    verdict = judge(
        {"test": {"model": same, "linear": same, "majority": same}}, mean_span=1.0
    )
    assert "It says flat for every bar of the test part." in verdict.sentences
    assert not verdict.is_better


def test_the_standard_error_is_that_of_simulated_models():
    accuracies = []
    rng = np.random.default_rng(1)
    classes = np.tile([0, 1, 2], 100)
    for _ in range(400):
        said = np.where(rng.random(300) < 0.5, classes, (classes + 1) % 3)
        measures = classification_measures(np.eye(3)[said], classes, PRIOR)
        accuracies.append(measures["balanced_accuracy"])
    assert balanced_accuracy_error(measures, 1.0) == pytest.approx(
        np.std(np.array(accuracies, float)), rel=0.15
    )


def test_returns_are_judged_by_error_and_correlation():
    good = value_metrics({"model": 0.5, "linear": 0.2, "majority": 1e-9})
    assert judge(good, mean_span=1.0).is_better
    assert not judge(good, mean_span=400.0).is_better
    bad = value_metrics({"model": 0.2, "linear": 0.5, "majority": 1e-9})
    verdict = judge(bad, mean_span=1.0)
    assert not verdict.is_better
    assert any("is not below that of the linear" in one for one in verdict.sentences)
