"""Exact contributions of every feature to a network's output along a path."""

import numpy as np

from ktrdr.errors import BundleError
from ktrdr.models.predictor import DensePredictor
from ktrdr.typing import FloatArray

# Gauss-Legendre nodes a panel, and how often the panels are halved at most.
_NODES = 16
_MOST_HALVINGS = 12
_TOLERANCE = 1e-10


def contributions(
    predictor: DensePredictor,
    weights: FloatArray,
    reference: FloatArray,
    row: FloatArray,
) -> FloatArray:
    """Return how much each feature adds to the margin, from ``reference`` to ``row``.

    The margin is ``weights @ logits``. Feature j's contribution is
    (row[j] - reference[j]) times the mean slope of the margin with respect to j
    along the straight line from ``reference`` to ``row``.

    Parameters
    ----------
    predictor : DensePredictor
        The network.
    weights : ndarray of shape (n_outputs,)
        Of the logits in the margin.
    reference, row : ndarray of shape (n_features,)
        Without NaN.

    Returns
    -------
    ndarray of shape (n_features,)
        Together they make the margin's difference between ``row`` and
        ``reference``, to rounding where the activation is piecewise linear and to
        1e-9 of it otherwise. A feature with no influence, or with its reference
        value, has 0.

    Raises
    ------
    BundleError
        If the network is too steep for that.

    Notes
    -----
    Where the activation is piecewise linear, so is the margin along the line: it is
    cut at every kink, layer by layer, and the slope between kinks is exact. Smooth
    activations are integrated by Gauss-Legendre quadrature on ever more panels.

    References
    ----------
    Sundararajan, Taly, Yan (2017), Axiomatic Attribution for Deep Networks. Aumann
    and Shapley (1974), Values of Non-Atomic Games.
    """
    if not (np.isfinite(reference).all() and np.isfinite(row).all()):
        raise BundleError("contributions need features that are all known")
    step = row - reference
    if predictor.activation.is_piecewise_linear:
        cuts = _kinks(predictor, reference, step)
        middles = (cuts[1:] + cuts[:-1]) / 2
        slopes = _slopes(predictor, weights, reference + np.outer(middles, step))
        return step * (np.diff(cuts) @ slopes)
    return step * _mean_slope(predictor, weights, reference, step)


def _kinks(
    predictor: DensePredictor, reference: FloatArray, step: FloatArray
) -> FloatArray:
    # Positions on the line from 0 to 1 between which every neuron is linear.
    cuts = np.array([0.0, 1.0])
    for depth in range(1, len(predictor.layers)):
        before = _before_activation(predictor, reference + np.outer(cuts, step), depth)
        left, right = before[:-1], before[1:]
        segment, neuron = np.nonzero(np.sign(left) * np.sign(right) < 0)
        start, end = left[segment, neuron], right[segment, neuron]
        share = start / (start - end)
        found = cuts[segment] + share * (cuts[segment + 1] - cuts[segment])
        cuts = np.union1d(cuts, found)
    return cuts


def _before_activation(
    predictor: DensePredictor, rows: FloatArray, depth: int
) -> FloatArray:
    # What enters the activation after layer ``depth``, counted from 1.
    values = rows @ predictor.layers[0].weight + predictor.layers[0].bias
    for layer in predictor.layers[1:depth]:
        values = predictor.activation.value(values) @ layer.weight + layer.bias
    return values


def _slopes(
    predictor: DensePredictor, weights: FloatArray, rows: FloatArray
) -> FloatArray:
    # Derivative of the margin with respect to each feature, shape of ``rows``.
    *hidden, last = predictor.layers
    entering = []
    values = rows
    for layer in hidden:
        entering.append(values @ layer.weight + layer.bias)
        values = predictor.activation.value(entering[-1])
    slopes = np.broadcast_to(last.weight @ weights, (len(rows), len(last.weight)))
    for layer, before in zip(reversed(hidden), reversed(entering), strict=True):
        slopes = (slopes * predictor.activation.slope(before)) @ layer.weight.T
    return slopes


def _mean_slope(
    predictor: DensePredictor,
    weights: FloatArray,
    reference: FloatArray,
    step: FloatArray,
) -> FloatArray:
    ends = predictor.logits(np.stack([reference, reference + step])) @ weights
    change = ends[1] - ends[0]
    scale = max(1.0, float(np.abs(ends).max()))
    coarse = _quadrature(predictor, weights, reference, step, 1)
    for halvings in range(1, _MOST_HALVINGS + 1):
        fine = _quadrature(predictor, weights, reference, step, 2**halvings)
        # Completeness alone could hold by luck; each contribution must have settled.
        moved = np.abs(step * (fine - coarse)).max()
        missing = abs(step @ fine - change)
        if max(moved, missing) <= _TOLERANCE * scale:
            return fine
        coarse = fine
    raise BundleError(
        "the network is too steep to tell the features' contributions: after "
        f"{2**_MOST_HALVINGS} panels they miss {missing:.3g} of {change:.3g}"
    )


def _quadrature(
    predictor: DensePredictor,
    weights: FloatArray,
    reference: FloatArray,
    step: FloatArray,
    n_panels: int,
) -> FloatArray:
    nodes, shares = np.polynomial.legendre.leggauss(_NODES)
    total = np.zeros_like(step)
    # A few hundred rows at a time, so that memory does not grow with the panels.
    for panels in np.array_split(np.arange(n_panels), -(-n_panels // 64)):
        positions = (panels[:, None] + (nodes + 1) / 2) / n_panels
        rows = reference + np.outer(positions.ravel(), step)
        weighted = np.tile(shares / (2 * n_panels), len(panels))
        total += weighted @ _slopes(predictor, weights, rows)
    return total
