"""Fit one network to samples: the only way into this room."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ktrdr.errors import InputError
from ktrdr.neural.checkpoint import Checkpoint
from ktrdr.neural.device import Kernels, choose_device, deterministic
from ktrdr.neural.losses import make_loss
from ktrdr.neural.network import Network
from ktrdr.neural.trainer import Trainer
from ktrdr.progress import NoProgress, Progress
from ktrdr.strategy import CrossEntropyLoss, FocalLoss, MlpSpec, TrainingSpec


@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """Rows to learn from.

    Attributes
    ----------
    features : ndarray of float32, shape (n_samples, n_features)
        Finite.
    targets : ndarray of int64 or float32, shape (n_samples,)
        Class indices, or the values to predict.
    """

    features: NDArray[np.float32]
    targets: NDArray[np.int64] | NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.features)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A fitted network.

    Attributes
    ----------
    tensors : dict of str to ndarray of float32
        ``mlp.{layer}.weight`` (n_out, n_in) and ``mlp.{layer}.bias`` (n_out,), or
        ``linear.weight`` and ``linear.bias``: those of the best epoch.
    n_epochs, best_epoch : int
        Epochs trained, and the one whose weights these are, counted from 1.
    train_losses : tuple of float
        Mean loss of each epoch's batches, dropout included, weights as they were.
    validation_losses : tuple of float
        Loss of the validation samples after each epoch.
    learning_rates : tuple of float
        Rate of each epoch.
    is_stopped_early : bool
        Whether patience ended before the epochs did.
    kernels : Kernels
        What it was computed with.
    seconds : float
        Time it took.
    """

    tensors: dict[str, NDArray[np.float32]]
    n_epochs: int
    best_epoch: int
    train_losses: tuple[float, ...]
    validation_losses: tuple[float, ...]
    learning_rates: tuple[float, ...]
    is_stopped_early: bool
    kernels: Kernels
    seconds: float


def fit_network(
    train: Samples,
    validation: Samples,
    *,
    model: MlpSpec | None,
    n_outputs: int,
    spec: TrainingSpec,
    class_weights: Sequence[float] | None = None,
    device: str = "auto",
    threads: int = 1,
    checkpoint: Checkpoint | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Fit:
    """Fit a network to ``train``, judged after each epoch by ``validation``.

    Parameters
    ----------
    train, validation : Samples
        With the same features, at least one sample each.
    model : MlpSpec or None
        Hidden layers, or None for one linear layer.
    n_outputs : int
        Number of classes; 1 for values.
    spec : TrainingSpec
        Loss, epochs, batches, optimizer, scheduler, clipping, stopping and seed.
    class_weights : sequence of float, length n_outputs, optional
        Weight of a sample by its class.
    device, threads : str, int
        See ``choose_device``; torch's settings are put back afterwards.
    checkpoint : Checkpoint, optional
        Where the unfinished training is written down; its last snapshot stays
        there, so that a finished one is not repeated.
    resume : bool
        Go on from the checkpoint if there is one.
    progress : Progress, optional
        Told of every epoch and checkpoint; phases are the caller's. Asked before
        every batch whether to stop.

    Returns
    -------
    Fit
        The same bits for the same input, seed and kernels, interrupted or not.

    Raises
    ------
    TrainingError
        If a loss is no finite number.
    InputError
        If samples don't fit each other or the loss, or a checkpoint is damaged.
    ConflictError
        If the checkpoint is another run's.
    JobStopped
        If the listener asked to stop; the checkpoint is written by then.
    """
    _check_samples(train, validation, n_outputs, spec)
    place = choose_device(device)
    with deterministic(place, threads) as kernels:
        weights = (
            torch.tensor(class_weights, dtype=torch.float32, device=place)
            if class_weights is not None
            else None
        )
        network = Network(
            model,
            n_features=train.features.shape[1],
            n_outputs=n_outputs,
            seed=spec.seed,
            device=place,
        )
        trainer = Trainer(
            network,
            make_loss(spec.loss, weights),
            spec,
            train=_tensors(train, place),
            validation=_tensors(validation, place),
            kernels=kernels,
            checkpoint=checkpoint,
            progress=progress or NoProgress(),
        )
        snapshot = checkpoint.read() if checkpoint and resume else None
        if snapshot is not None:
            trainer.restore(snapshot)
        trainer.run()
    return Fit(
        tensors=network.export(),
        n_epochs=trainer.epoch,
        best_epoch=trainer.stopping.best_epoch,
        train_losses=tuple(trainer.train_losses),
        validation_losses=tuple(trainer.validation_losses),
        learning_rates=tuple(trainer.learning_rates),
        is_stopped_early=trainer.epoch < spec.epochs,
        kernels=kernels,
        seconds=trainer.seconds,
    )


def _tensors(samples: Samples, device: str) -> tuple[Tensor, Tensor]:
    # On the CPU arrays are not copied, unless they are strided or read-only, which
    # torch does not take.
    features = torch.from_numpy(np.require(samples.features, requirements=["C", "W"]))
    targets = torch.from_numpy(np.require(samples.targets, requirements=["C", "W"]))
    return features.to(device), targets.to(device)


def _check_samples(
    train: Samples, validation: Samples, n_outputs: int, spec: TrainingSpec
) -> None:
    is_class = isinstance(spec.loss, CrossEntropyLoss | FocalLoss)
    target_type = np.dtype(np.int64 if is_class else np.float32)
    if not is_class and n_outputs != 1:
        raise InputError(f"loss {spec.loss.type} takes 1 output, found {n_outputs}")
    width = train.features.shape[1:]
    for name, samples in {"training": train, "validation": validation}.items():
        features, targets = samples.features, samples.targets
        problem = None
        if not len(samples):
            problem = "there are none"
        elif features.ndim != 2 or features.shape != (len(targets), *width):
            problem = f"features {features.shape} and targets {targets.shape} differ"
        elif features.dtype != np.float32 or targets.dtype != target_type:
            problem = (
                f"features are {features.dtype} and targets {targets.dtype}, "
                f"expected float32 and {target_type}"
            )
        elif not np.isfinite(features).all() or not np.isfinite(targets).all():
            problem = "a feature or target is not finite"
        elif is_class and not (0 <= targets.min() and targets.max() < n_outputs):
            problem = f"a class lies outside 0 to {n_outputs - 1}"
        if problem:
            raise InputError(f"{name} samples can't be learned from: {problem}")
