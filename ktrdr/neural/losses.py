"""What training minimizes: one number per batch, the weighted mean over its rows."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ktrdr.strategy import CrossEntropyLoss, FocalLoss, HuberLoss, Loss

# outputs (n, n_outputs), targets (n,) -> scalar
LossFunction = Callable[[Tensor, Tensor], Tensor]
# Keeps the focal factor's derivative finite where a row is certain and gamma < 1.
_LEAST_DOUBT = 1e-12


def make_loss(spec: Loss, class_weights: Tensor | None) -> LossFunction:
    """Return the loss that ``spec`` describes.

    Parameters
    ----------
    spec : Loss
        ``cross_entropy`` and ``focal`` take class indices as targets, int64;
        ``huber`` and ``mse`` take values, float32, and one output.
    class_weights : Tensor of shape (n_outputs,) or None
        Weight of a row by its class; the mean is over weights, not rows. Only for
        classes.
    """
    if isinstance(spec, CrossEntropyLoss):
        smoothing = spec.label_smoothing
        return lambda outputs, targets: F.cross_entropy(
            outputs, targets, weight=class_weights, label_smoothing=smoothing
        )
    if isinstance(spec, FocalLoss):
        gamma = spec.gamma
        return lambda outputs, targets: _focal(outputs, targets, class_weights, gamma)
    if isinstance(spec, HuberLoss):
        delta = spec.delta
        return lambda outputs, targets: F.huber_loss(
            outputs.squeeze(1), targets, delta=delta
        )
    return lambda outputs, targets: F.mse_loss(outputs.squeeze(1), targets)


def _focal(
    outputs: Tensor, targets: Tensor, class_weights: Tensor | None, gamma: float
) -> Tensor:
    # Lin et al. (2017), Focal Loss for Dense Object Detection, equation 4.
    cross_entropy = F.cross_entropy(outputs, targets, reduction="none")
    doubt = (-torch.expm1(-cross_entropy)).clamp(min=_LEAST_DOUBT)
    losses = doubt**gamma * cross_entropy
    if class_weights is None:
        return losses.mean()
    weights = class_weights[targets]
    return (losses * weights).sum() / weights.sum()
