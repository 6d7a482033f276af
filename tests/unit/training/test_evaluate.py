import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from ktrdr.training import classification_measures, regression_measures

NAMES = ("short", "flat", "long")
PRIOR = np.array([0.2, 0.5, 0.3])


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(0, 999), st.integers(1, 3))
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.filterwarnings("ignore:A single label was found")
def test_measures_equal_scikit_learns(n_samples, seed, n_occurring):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(3), n_samples)
    classes = rng.integers(0, n_occurring, n_samples)
    predicted = probabilities.argmax(axis=1)
    own = classification_measures(probabilities, classes, PRIOR)
    assert own["accuracy"] == pytest.approx(sk.accuracy_score(classes, predicted))
    assert own["balanced_accuracy"] == pytest.approx(
        sk.balanced_accuracy_score(classes, predicted)
    )
    assert own["macro_f1"] == pytest.approx(
        sk.f1_score(classes, predicted, average="macro", zero_division=0)
    )
    assert own["log_loss"] == pytest.approx(
        sk.log_loss(classes, probabilities, labels=[0, 1, 2])
    )
    precision, recall, _, counts = sk.precision_recall_fscore_support(
        classes, predicted, labels=[0, 1, 2], zero_division=np.nan
    )
    for index, name in enumerate(NAMES):
        assert own[f"count_{name}"] == counts[index]
        for kind, expected in (("precision", precision), ("recall", recall)):
            found = own[f"{kind}_{name}"]
            assert (found is None) == np.isnan(expected[index])
            if found is not None:
                assert found == pytest.approx(expected[index])


def test_the_prior_itself_has_no_skill():
    classes = np.array([0, 0, 1, 1, 1, 1, 1, 2, 2, 2])
    always = np.broadcast_to(PRIOR, (10, 3))
    measures = classification_measures(always, classes, PRIOR)
    assert measures["log_loss_skill"] == 0
    assert measures["accuracy"] == 0.5
    assert measures["balanced_accuracy"] == pytest.approx(1 / 3)
    assert measures["predicted_flat"] == 10
    assert measures["precision_long"] is None


def test_certainty_about_the_wrong_class_is_costly_but_finite():
    measures = classification_measures(
        np.array([[1.0, 0.0, 0.0]]), np.array([2]), PRIOR
    )
    assert 30 < (measures["log_loss"] or 0) < 40


@given(st.integers(2, 60), st.integers(0, 999))
def test_regression_measures_equal_scikit_learns(n_samples, seed):
    rng = np.random.default_rng(seed)
    actual = rng.normal(0, 0.01, n_samples)
    predicted = 0.3 * actual + rng.normal(0, 0.01, n_samples)
    own = regression_measures(predicted, actual)
    assert own["rmse"] == pytest.approx(sk.root_mean_squared_error(actual, predicted))
    assert own["mae"] == pytest.approx(sk.mean_absolute_error(actual, predicted))
    assert own["r2"] == pytest.approx(sk.r2_score(actual, predicted))
    assert own["correlation"] == pytest.approx(np.corrcoef(actual, predicted)[0, 1])
    assert own["sign_accuracy"] == np.mean((actual > 0) == (predicted > 0))


def test_what_is_not_defined_is_none():
    still = regression_measures(np.array([0.1, 0.1]), np.array([0.0, 0.0]))
    assert still["r2"] is None
    assert still["correlation"] is None
    assert still["sign_accuracy"] is None
    assert still["rmse"] == pytest.approx(0.1)
