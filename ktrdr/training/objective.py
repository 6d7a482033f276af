"""The loss that training minimizes, computed in numpy from shipped weights."""

import numpy as np

from ktrdr.strategy import CrossEntropyLoss, FocalLoss, HuberLoss, Loss
from ktrdr.typing import FloatArray, IntArray

_LEAST_PROBABILITY = 1e-300


def class_loss(
    spec: CrossEntropyLoss | FocalLoss,
    probabilities: FloatArray,
    classes: IntArray,
    class_weights: FloatArray | None,
) -> float:
    """Return the cross-entropy or focal loss of class probabilities.

    Parameters
    ----------
    spec : CrossEntropyLoss or FocalLoss
    probabilities : ndarray of shape (n_samples, n_classes)
    classes : ndarray of int64, shape (n_samples,)
    class_weights : ndarray of shape (n_classes,) or None
        Weight of a sample by its class.

    Returns
    -------
    float
        Mean over the samples' weights, in nats; torch's definition, which spreads
        smoothing over all classes by their weights.
    """
    weights = (
        np.ones(probabilities.shape[1]) if class_weights is None else class_weights
    )
    costs = -np.log(np.maximum(probabilities, _LEAST_PROBABILITY))
    rows = np.arange(len(classes))
    own, own_weight = costs[rows, classes], weights[classes]
    if isinstance(spec, FocalLoss):
        doubt = 1 - probabilities[rows, classes]
        losses = own_weight * doubt**spec.gamma * own
    else:
        smoothing = spec.label_smoothing
        spread = (costs * weights).mean(axis=1)
        losses = (1 - smoothing) * own_weight * own + smoothing * spread
    return float(losses.sum() / own_weight.sum())


def value_loss(spec: Loss, predicted: FloatArray, actual: FloatArray) -> float:
    """Return the mean squared or Huber loss of values, shape (n_samples,)."""
    errors = np.abs(predicted - actual)
    if isinstance(spec, HuberLoss):
        near = 0.5 * errors**2
        far = spec.delta * (errors - 0.5 * spec.delta)
        return float(np.where(errors <= spec.delta, near, far).mean())
    return float((errors**2).mean())
