import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrdr.errors import BundleError
from ktrdr.models import CLASSES, LinearPredictor, MlpPredictor, contributions
from tests.unit.models.bundles import tensors_for

ACTIVATIONS = ("relu", "leaky_relu", "tanh", "sigmoid", "gelu", "silu")
SIZES = (6, 12, 8, 3)
WEIGHTS = np.array([-1.0, 0.0, 1.0])


def network(activation, seed=0):
    tensors = tensors_for(SIZES, seed)
    return MlpPredictor(tensors, activation=activation, outputs=CLASSES)


def ends(seed):
    return np.random.default_rng(seed).normal(0, 1.5, (2, SIZES[0]))


def slow_contributions(predictor, weights, reference, row, n_steps=4_000):
    """Riemann sum of slopes that are differences: no calculus but the definition."""
    positions = (np.arange(n_steps) + 0.5) / n_steps
    path = reference + np.outer(positions, row - reference)
    amounts = []
    for column in range(len(row)):
        nudge = np.zeros(len(row))
        nudge[column] = 1e-6
        up = predictor.logits(path + nudge) @ weights
        down = predictor.logits(path - nudge) @ weights
        slope = (up - down).mean() / 2e-6
        amounts.append((row[column] - reference[column]) * slope)
    return np.array(amounts)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_contributions_make_the_whole_difference(activation, seed):
    predictor = network(activation, seed % 7)
    reference, row = ends(seed)
    found = contributions(predictor, WEIGHTS, reference, row)
    margins = predictor.logits(np.stack([reference, row])) @ WEIGHTS
    assert found.sum() == pytest.approx(margins[1] - margins[0], rel=0, abs=1e-9)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("seed", range(3))
def test_equals_the_slow_twin(activation, seed):
    predictor = network(activation, seed)
    reference, row = ends(seed + 50)
    found = contributions(predictor, WEIGHTS, reference, row)
    slow = slow_contributions(predictor, WEIGHTS, reference, row)
    np.testing.assert_allclose(found, slow, rtol=0, atol=2e-3)


@pytest.mark.parametrize("activation", ["tanh", "gelu"])
def test_smooth_slow_twin_agrees_closely(activation):
    predictor = network(activation)
    reference, row = ends(5)
    found = contributions(predictor, WEIGHTS, reference, row)
    slow = slow_contributions(predictor, WEIGHTS, reference, row)
    np.testing.assert_allclose(found, slow, rtol=0, atol=1e-6)


def test_linear_contributions_are_weight_times_difference():
    tensors = tensors_for(SIZES)
    predictor = LinearPredictor(tensors, outputs=CLASSES)
    reference, row = ends(1)
    slope = (tensors["linear.weight"][2] - tensors["linear.weight"][0]).astype(float)
    found = contributions(predictor, WEIGHTS, reference, row)
    np.testing.assert_allclose(found, slope * (row - reference), rtol=0, atol=1e-6)


def test_one_relu_neuron_by_hand():
    # margin = relu(x0 + x1 - 1), from (0, 0) to (1, 2): positive for t in (1/3, 1].
    tensors = {
        "mlp.0.weight": np.array([[1, 1]], np.float32),
        "mlp.0.bias": np.array([-1], np.float32),
        "mlp.1.weight": np.array([[1]], np.float32),
        "mlp.1.bias": np.array([0], np.float32),
    }
    predictor = MlpPredictor(tensors, activation="relu", outputs=("return",))
    found = contributions(predictor, np.ones(1), np.zeros(2), np.array([1.0, 2.0]))
    np.testing.assert_allclose(found, [2 / 3, 4 / 3], rtol=0, atol=1e-15)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_features_at_their_reference_or_without_influence_have_none(activation):
    tensors = dict(tensors_for(SIZES))
    tensors["mlp.0.weight"] = tensors["mlp.0.weight"].copy()
    tensors["mlp.0.weight"][:, 2] = 0
    predictor = MlpPredictor(tensors, activation=activation, outputs=CLASSES)
    reference, row = ends(3)
    row[4] = reference[4]
    found = contributions(predictor, WEIGHTS, reference, row)
    assert found[2] == 0
    assert found[4] == 0
    same = contributions(predictor, WEIGHTS, reference, reference)
    np.testing.assert_array_equal(same, np.zeros(SIZES[0]))


def test_steep_networks_are_still_complete():
    tensors = {name: each * 30 for name, each in tensors_for(SIZES).items()}
    predictor = MlpPredictor(tensors, activation="tanh", outputs=CLASSES)
    reference, row = ends(4)
    found = contributions(predictor, WEIGHTS, reference, row)
    margins = predictor.logits(np.stack([reference, row])) @ WEIGHTS
    assert found.sum() == pytest.approx(margins[1] - margins[0], rel=1e-9, abs=1e-9)


def test_hopelessly_steep_networks_are_refused():
    tensors = {name: each * 1e9 for name, each in tensors_for(SIZES).items()}
    predictor = MlpPredictor(tensors, activation="tanh", outputs=CLASSES)
    reference, row = ends(4)
    with pytest.raises(BundleError, match="too steep"):
        contributions(predictor, WEIGHTS, reference, row)


def test_unknown_features_are_refused():
    predictor = network("relu")
    reference, row = ends(4)
    row[0] = np.nan
    with pytest.raises(BundleError, match="features that are all known"):
        contributions(predictor, WEIGHTS, reference, row)
