"""Fit the network and its linear baseline to a dataset."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ktrdr.models import CLASSES, EpochRecord, FitRecord
from ktrdr.neural import Checkpoint, Fit, Samples, fit_network
from ktrdr.progress import Progress
from ktrdr.strategy import Strategy, TrainingSpec
from ktrdr.training.dataset import Dataset, PartSamples
from ktrdr.typing import FloatArray


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How regression targets are scaled for training: to mean 0 and deviation 1.

    So learning rates, losses and Huber's ``delta`` mean the same whatever the
    returns' size. Weights are stored for plain returns.
    """

    mean: float
    std: float

    @classmethod
    def of(cls, dataset: Dataset) -> "Scale":
        """Return the scale of the training part's targets."""
        returns = dataset.parts["train"].returns
        return cls(mean=float(returns.mean()), std=float(returns.std()))

    def scaled(self, returns: FloatArray) -> FloatArray:
        """Return plain returns as they are in training."""
        return (returns - self.mean) / self.std


@dataclass(frozen=True, kw_only=True, eq=False)
class Networks:
    """The fitted network and its linear baseline.

    Attributes
    ----------
    tensors : dict of str to ndarray of float32
        Both, as a bundle holds them.
    record : FitRecord
        How the network's optimization went.
    """

    tensors: dict[str, NDArray[np.float32]]
    record: FitRecord


def fit_networks(
    strategy: Strategy,
    dataset: Dataset,
    *,
    checkpoints: Callable[[str], Checkpoint],
    resume: bool,
    device: str,
    threads: int,
    progress: Progress,
) -> Networks:
    """Fit both to the training samples, in the same way but for hidden layers.

    ``checkpoints`` returns the checkpoint of the network of that name, ``linear``
    or ``mlp``.
    """
    scale = Scale.of(dataset) if strategy.decisions.format == "regression" else None
    fits: dict[str, Fit] = {}
    for name, model in {"linear": None, "mlp": strategy.model}.items():
        progress.phase(f"train {name}", strategy.training.epochs, "epochs")
        fits[name] = fit_network(
            _samples(dataset.parts["train"], scale),
            _samples(dataset.parts["validation"], scale),
            model=model,
            n_outputs=1 if scale else len(CLASSES),
            spec=strategy.training,
            class_weights=None if scale else class_weights(strategy.training, dataset),
            device=device,
            threads=threads,
            checkpoint=checkpoints(name),
            resume=resume,
            progress=progress,
        )
    tensors = {**fits["mlp"].tensors, **fits["linear"].tensors}
    last_layer = f"mlp.{len(strategy.model.hidden_layers)}"
    if scale:
        for layer in (last_layer, "linear"):
            _unscale(tensors, layer, scale)
    return Networks(tensors=tensors, record=_record(strategy, fits["mlp"]))


def class_weights(spec: TrainingSpec, dataset: Dataset) -> list[float] | None:
    """Return each class's weight, or None if all samples weigh the same.

    ``balanced`` is n_samples / (classes that occur * samples of the class), from
    the training part; a class that does not occur there weighs 1.
    """
    if spec.class_weights is None:
        return None
    if spec.class_weights != "balanced":
        weights = {str(name): each for name, each in spec.class_weights.items()}
        return [weights[name] for name in CLASSES]
    prior = dataset.prior
    n_occurring = int((prior > 0).sum())
    return [float(1 / (n_occurring * share)) if share else 1.0 for share in prior]


def _samples(part: PartSamples, scale: Scale | None) -> Samples:
    if scale is None:
        return Samples(features=part.features, targets=part.classes)
    returns = scale.scaled(part.returns).astype(np.float32)
    return Samples(features=part.features, targets=returns)


def _unscale(tensors: dict[str, NDArray[np.float32]], layer: str, scale: Scale) -> None:
    # The last layer is linear: it can undo the scaling by itself.
    weight, bias = tensors[f"{layer}.weight"], tensors[f"{layer}.bias"]
    tensors[f"{layer}.weight"] = (weight * scale.std).astype(np.float32)
    tensors[f"{layer}.bias"] = (bias * scale.std + scale.mean).astype(np.float32)


def _record(strategy: Strategy, fit: Fit) -> FitRecord:
    history = zip(
        fit.train_losses, fit.validation_losses, fit.learning_rates, strict=True
    )
    return FitRecord(
        epochs_run=fit.n_epochs,
        best_epoch=fit.best_epoch,
        seed=strategy.training.seed,
        stopped_early=fit.is_stopped_early,
        seconds=fit.seconds,
        cpu_capability=fit.kernels.cpu,
        threads=fit.kernels.threads,
        history=tuple(
            EpochRecord(
                epoch=epoch,
                train_loss=train_loss,
                validation_loss=validation_loss,
                learning_rate=rate,
            )
            for epoch, (train_loss, validation_loss, rate) in enumerate(history, 1)
        ),
    )
