"""How good predictions are, in numbers that can be compared with a baseline's."""

import numpy as np

from ktrdr.models import CLASSES
from ktrdr.typing import FloatArray, IntArray

Measures = dict[str, float | None]
# A probability of 0 for what happened would make the log loss infinite.
_LEAST_PROBABILITY = 1e-15


def classification_measures(
    probabilities: FloatArray, classes: IntArray, prior: FloatArray
) -> Measures:
    """Return how well class probabilities fit the classes that came.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, 3)
        Of short, flat and long; the largest is the predicted class, the first of
        equals.
    classes : ndarray of int64, shape (n_samples,)
        0 short, 1 flat, 2 long.
    prior : ndarray of shape (3,)
        Share of each class among the training samples.

    Returns
    -------
    dict of str to float or None
        ``accuracy``: share predicted right. ``balanced_accuracy``: mean recall over
        the classes that occur. ``macro_f1``: mean F1 over the classes that occur or
        are predicted. ``log_loss``: mean of -log of the probability of the class
        that came, in nats. ``log_loss_prior``: the same for the prior, and
        ``log_loss_skill`` = 1 - log_loss / log_loss_prior, above 0 where the
        probabilities say more than the prior. By class: ``precision_long`` (None if
        never predicted), ``recall_long`` (None if it never occurs), ``count_long``,
        ``predicted_long``, and so on.

    Notes
    -----
    Equal to scikit-learn's measures of the same names (zero_division=0).
    """
    n_classes = len(CLASSES)
    predicted = probabilities.argmax(axis=1)
    table = np.bincount(
        classes * n_classes + predicted, minlength=n_classes**2
    ).reshape(n_classes, n_classes)
    right, occurring, claimed = table.diagonal(), table.sum(axis=1), table.sum(axis=0)
    occurs, matters = occurring > 0, (occurring + claimed) > 0
    recall = right[occurs] / occurring[occurs]
    f1 = 2 * right[matters] / (occurring + claimed)[matters]
    log_loss = _log_loss(probabilities, classes)
    log_loss_prior = _log_loss(np.broadcast_to(prior, probabilities.shape), classes)
    measures: Measures = {
        "accuracy": float(right.sum() / len(classes)),
        "balanced_accuracy": float(recall.mean()),
        "macro_f1": float(f1.mean()),
        "log_loss": log_loss,
        "log_loss_prior": log_loss_prior,
        "log_loss_skill": _share(log_loss_prior - log_loss, log_loss_prior),
    }
    for index, name in enumerate(CLASSES):
        measures[f"precision_{name}"] = _share(right[index], claimed[index])
        measures[f"recall_{name}"] = _share(right[index], occurring[index])
        measures[f"count_{name}"] = float(occurring[index])
        measures[f"predicted_{name}"] = float(claimed[index])
    return measures


def regression_measures(predicted: FloatArray, actual: FloatArray) -> Measures:
    """Return how well predicted returns fit those that came.

    Parameters
    ----------
    predicted, actual : ndarray of shape (n_samples,)
        Simple returns.

    Returns
    -------
    dict of str to float or None
        ``rmse`` and ``mae``, as returns; ``r2``: 1 - squared error over the squared
        error of these samples' own mean, None if they don't vary; ``correlation``:
        Pearson's, None if either side does not vary; ``sign_accuracy``: share of the
        returns other than 0 whose sign was predicted, None if there are none;
        ``count``.
    """
    errors = predicted - actual
    spread = actual - actual.mean()
    has_sign = actual != 0
    hits = np.sign(predicted[has_sign]) == np.sign(actual[has_sign])
    varies = np.ptp(predicted) > 0 and np.ptp(actual) > 0
    return {
        "rmse": float(np.sqrt((errors**2).mean())),
        "mae": float(np.abs(errors).mean()),
        "r2": _share((spread**2).sum() - (errors**2).sum(), (spread**2).sum()),
        "correlation": float(np.corrcoef(predicted, actual)[0, 1]) if varies else None,
        "sign_accuracy": _share(hits.sum(), has_sign.sum()),
        "count": float(len(actual)),
    }


def _log_loss(probabilities: FloatArray, classes: IntArray) -> float:
    of_class = probabilities[np.arange(len(classes)), classes]
    return float(-np.log(np.maximum(of_class, _LEAST_PROBABILITY)).mean())


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None
