import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrdr.errors import BundleError, InputError
from ktrdr.models import CLASSES, RETURN, LinearPredictor, MlpPredictor, softmax
from ktrdr.models.activations import activation_named, erf
from tests.unit.models.bundles import tensors_for

ACTIVATIONS = ("relu", "tanh", "sigmoid", "gelu", "silu", "leaky_relu")
SIZES = (7, 16, 9, 3)


def features(n_rows, seed=1, spread=2.0):
    return np.random.default_rng(seed).normal(0, spread, (n_rows, SIZES[0]))


def test_erf_is_exact_to_1e_12():
    x = np.concatenate([np.linspace(-7, 7, 20_001), [0.0, np.inf, -np.inf, 1e-300]])
    expected = np.array([math.erf(value) for value in x])
    np.testing.assert_allclose(erf(x), expected, rtol=0, atol=1e-15)
    assert np.isnan(erf(np.array([np.nan]))).all()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slope_is_the_derivative(name):
    activation = activation_named(name)
    # Off the kink at 0.
    x = np.linspace(-8, 8, 400)
    step = 1e-5
    difference = (activation.value(x + step) - activation.value(x - step)) / (2 * step)
    np.testing.assert_allclose(activation.slope(x), difference, rtol=0, atol=1e-8)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_large_values_do_not_overflow(name):
    activation = activation_named(name)
    x = np.array([-1e300, -1e4, 1e4, 1e300])
    with np.errstate(over="ignore"):
        assert np.isfinite(activation.slope(x)).all()
        assert np.isfinite(activation.value(x)).all()


def test_unknown_activation_is_named():
    with pytest.raises(BundleError, match="unknown activation 'mish': expected one of"):
        activation_named("mish")


def torch_outputs(name, outputs, tensors, x, dtype):
    torch = pytest.importorskip("torch")
    kinds = {
        "relu": torch.nn.ReLU,
        "tanh": torch.nn.Tanh,
        "sigmoid": torch.nn.Sigmoid,
        "gelu": torch.nn.GELU,
        "silu": torch.nn.SiLU,
        "leaky_relu": torch.nn.LeakyReLU,
    }
    steps = []
    for i in range(3):
        weight = torch.from_numpy(tensors[f"mlp.{i}.weight"])
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
        linear.weight.data = weight
        linear.bias.data = torch.from_numpy(tensors[f"mlp.{i}.bias"])
        steps += [linear, kinds[name]()]
    network = torch.nn.Sequential(*steps[:-1]).eval().to(getattr(torch, dtype))
    with torch.no_grad():
        logits = network(torch.from_numpy(x.astype(dtype)))
        found = torch.softmax(logits, dim=1) if outputs == CLASSES else logits
    return found.numpy()


@pytest.mark.parametrize(("dtype", "limit"), [("float32", 1e-6), ("float64", 1e-13)])
@pytest.mark.parametrize("outputs", [CLASSES, RETURN])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_equals_torch(name, outputs, dtype, limit):
    # Weights and features of the size that training gives: torch's own float32
    # rounding grows with them.
    tensors = tensors_for((*SIZES[:-1], len(outputs)), spread=0.4)
    x = features(3_000, spread=1.0)
    expected = torch_outputs(name, outputs, tensors, x, dtype)
    found = MlpPredictor(tensors, activation=name, outputs=outputs).predict(x)
    np.testing.assert_allclose(found, expected, rtol=0, atol=limit)


def test_linear_baseline_is_one_affine_layer():
    tensors = tensors_for(SIZES)
    x = features(10)
    logits = x @ tensors["linear.weight"].T.astype(float) + tensors["linear.bias"]
    found = LinearPredictor(tensors, outputs=CLASSES).predict(x)
    np.testing.assert_allclose(found, softmax(logits), rtol=0, atol=1e-14)


def test_rows_with_nan_give_nan_and_leave_the_others_alone():
    predictor = MlpPredictor(tensors_for(SIZES), activation="relu", outputs=CLASSES)
    x = features(2_500)
    whole = predictor.predict(x)
    x[[0, 700, 2_499], [0, 3, 6]] = np.nan
    holed = predictor.predict(x)
    assert np.isnan(holed[[0, 700, 2_499]]).all()
    rest = np.setdiff1d(np.arange(2_500), [0, 700, 2_499])
    np.testing.assert_allclose(holed[rest], whole[rest], rtol=0, atol=1e-14)


@given(k=st.integers(0, 2_500))
def test_prefix_is_bit_identical(k):
    predictor = MlpPredictor(tensors_for(SIZES), activation="tanh", outputs=CLASSES)
    x = features(2_500)
    np.testing.assert_array_equal(predictor.predict(x[:k]), predictor.predict(x)[:k])


def test_all_rows_unknown():
    predictor = MlpPredictor(tensors_for(SIZES), activation="relu", outputs=CLASSES)
    assert np.isnan(predictor.predict(np.full((5, SIZES[0]), np.nan))).all()
    assert predictor.predict(np.empty((0, SIZES[0]))).shape == (0, 3)


def test_wrong_number_of_features_is_refused():
    predictor = MlpPredictor(tensors_for(SIZES), activation="relu", outputs=CLASSES)
    with pytest.raises(InputError, match=r"shape \(2, 3\), expected \(n_bars, 7\)"):
        predictor.predict(np.zeros((2, 3)))


def test_softmax_of_huge_logits_is_finite():
    found = softmax(np.array([[1e300, 0.0, -1e300], [np.nan, 0.0, 1.0]]))
    np.testing.assert_array_equal(found[0], [1, 0, 0])
    assert np.isnan(found[1]).all()


def test_missing_tensor_is_named():
    tensors = tensors_for(SIZES)
    del tensors["mlp.1.bias"]
    with pytest.raises(BundleError, match=r"lack mlp\.1\.bias"):
        MlpPredictor(tensors, activation="relu", outputs=CLASSES)
