"""Torch's optimizers and learning rate schedulers, as a strategy asks for them."""

from torch import Tensor
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    LRScheduler,
    ReduceLROnPlateau,
    StepLR,
)

from ktrdr.strategy import (
    CosineScheduler,
    OptimizerSpec,
    PlateauScheduler,
    Scheduler,
    StepScheduler,
)


def make_optimizer(spec: OptimizerSpec, weights: Tensor) -> Optimizer:
    """Return the optimizer that ``spec`` describes, for ``weights``.

    ``adam`` and ``sgd`` add weight decay to the gradient, ``adamw`` shrinks the
    weights. Torch has the fused kernels on every device that ``choose_device`` gives.
    """
    if spec.type == "sgd":
        return SGD(
            [weights],
            lr=spec.learning_rate,
            momentum=spec.momentum,
            weight_decay=spec.weight_decay,
            fused=True,
        )
    kind = AdamW if spec.type == "adamw" else Adam
    return kind(
        [weights], lr=spec.learning_rate, weight_decay=spec.weight_decay, fused=True
    )


def make_scheduler(
    spec: Scheduler | None, optimizer: Optimizer, epochs: int
) -> LRScheduler:
    """Return the scheduler that ``spec`` describes; None is a constant rate.

    It sets the rate of ``optimizer`` and steps once an epoch.
    """
    if isinstance(spec, CosineScheduler):
        return CosineAnnealingLR(optimizer, T_max=epochs, eta_min=spec.minimum)
    if isinstance(spec, StepScheduler):
        return StepLR(optimizer, step_size=spec.every_epochs, gamma=spec.factor)
    if isinstance(spec, PlateauScheduler):
        # Any smaller loss is an improvement, and no rate too small to be lowered.
        return ReduceLROnPlateau(
            optimizer, factor=spec.factor, patience=spec.patience, threshold=0, eps=0
        )
    return ConstantLR(optimizer, factor=1.0)
