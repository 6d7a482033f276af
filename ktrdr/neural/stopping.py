"""Early stopping: remember the best weights, and when to give up."""

import math
from typing import TypedDict

from torch import Tensor

from ktrdr.strategy import EarlyStoppingSpec


class StoppingState(TypedDict):
    """What a checkpoint keeps of it, beside the best weights."""

    best_loss: float
    best_epoch: int
    loss_to_beat: float
    epochs_without_improvement: int


class EarlyStopping:
    """Keeps the weights of the epoch with the least validation loss.

    Patience ends when no epoch has been better by more than ``min_delta``; the best
    weights are those of the least loss all the same.

    Parameters
    ----------
    spec : EarlyStoppingSpec or None
        None never stops and keeps the last epoch's weights as the best.
    weights : Tensor
        The live weights. The best are a copy that later steps don't touch.
    """

    def __init__(self, spec: EarlyStoppingSpec | None, weights: Tensor) -> None:
        self._spec = spec
        self._weights = weights
        self.best_weights = weights.clone()
        self.best_loss = math.inf
        self.best_epoch = 0
        self._loss_to_beat = math.inf
        self._epochs_without_improvement = 0

    def observe(self, epoch: int, validation_loss: float) -> None:
        """Hear the validation loss after ``epoch``, counted from 1."""
        if self._spec is None or validation_loss < self.best_loss:
            self.best_loss = validation_loss
            self.best_epoch = epoch
            self.best_weights.copy_(self._weights)
        if self._spec and validation_loss < self._loss_to_beat - self._spec.min_delta:
            self._loss_to_beat = validation_loss
            self._epochs_without_improvement = 0
        else:
            self._epochs_without_improvement += 1

    @property
    def is_due(self) -> bool:
        """Whether to stop now."""
        patience = self._spec.patience if self._spec else math.inf
        return self._epochs_without_improvement >= patience

    def restore_best(self) -> None:
        """Put the best weights back into the live ones."""
        self._weights.copy_(self.best_weights)

    def state(self) -> StoppingState:
        """Return what a checkpoint keeps."""
        return {
            "best_loss": self.best_loss,
            "best_epoch": self.best_epoch,
            "loss_to_beat": self._loss_to_beat,
            "epochs_without_improvement": self._epochs_without_improvement,
        }

    def restore(self, state: StoppingState, best_weights: Tensor) -> None:
        """Go on from a checkpoint."""
        self.best_loss = state["best_loss"]
        self.best_epoch = state["best_epoch"]
        self._loss_to_beat = state["loss_to_beat"]
        self._epochs_without_improvement = state["epochs_without_improvement"]
        self.best_weights.copy_(best_weights)
