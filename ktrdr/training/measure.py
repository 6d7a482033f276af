"""Measure the network beside its baselines, on every part, with shipped weights."""

from collections.abc import Callable

import numpy as np

from ktrdr.models import (
    LinearPredictor,
    Metrics,
    MlpPredictor,
    Predictor,
    Tensors,
    outputs_of,
)
from ktrdr.strategy import CrossEntropyLoss, FocalLoss, Strategy
from ktrdr.training.dataset import Dataset, PartSamples
from ktrdr.training.evaluate import (
    Measures,
    classification_measures,
    regression_measures,
)
from ktrdr.training.fitting import Scale, class_weights
from ktrdr.training.objective import class_loss, value_loss
from ktrdr.training.split import PART_NAMES
from ktrdr.typing import FloatArray

# Rows that are widened to float64 at a time.
_BLOCK = 65_536
_Measure = Callable[[FloatArray, PartSamples], Measures]


def measure_all(strategy: Strategy, dataset: Dataset, tensors: Tensors) -> Metrics:
    """Return the measures of model, linear baseline and majority on every part.

    The majority always says how often each class occurs among the training
    samples, and so decides for the most frequent one; in regression it is the mean
    return of the training samples. ``loss`` is what training minimizes, class
    weights and scaling included; see ``classification_measures`` and
    ``regression_measures`` for the rest.
    """
    outputs = outputs_of(strategy)
    models: dict[str, Predictor] = {
        "model": MlpPredictor(
            tensors, activation=strategy.model.activation, outputs=outputs
        ),
        "linear": LinearPredictor(tensors, outputs=outputs),
    }
    is_regression = strategy.decisions.format == "regression"
    if is_regression:
        measure, constant = _of_values(strategy, dataset), _mean_target(dataset)
    else:
        measure, constant = _of_classes(strategy, dataset), dataset.prior
    metrics: Metrics = {}
    for part in PART_NAMES:
        samples = dataset.parts[part]
        always = np.broadcast_to(constant, (len(samples), len(outputs)))
        metrics[part] = {
            "model": measure(_predict(models["model"], samples), samples),
            "linear": measure(_predict(models["linear"], samples), samples),
            "majority": measure(always, samples),
        }
    return metrics


def _of_classes(strategy: Strategy, dataset: Dataset) -> _Measure:
    spec, prior = strategy.training.loss, dataset.prior
    listed = class_weights(strategy.training, dataset)
    weights = None if listed is None else np.array(listed)

    def measure(outputs: FloatArray, samples: PartSamples) -> Measures:
        measures = classification_measures(outputs, samples.classes, prior)
        if isinstance(spec, CrossEntropyLoss | FocalLoss):
            measures["loss"] = class_loss(spec, outputs, samples.classes, weights)
        return measures

    return measure


def _of_values(strategy: Strategy, dataset: Dataset) -> _Measure:
    spec, scale = strategy.training.loss, Scale.of(dataset)

    def measure(outputs: FloatArray, samples: PartSamples) -> Measures:
        actual = samples.returns
        measures = regression_measures(outputs[:, 0], actual)
        measures["loss"] = value_loss(
            spec, scale.scaled(outputs[:, 0]), scale.scaled(actual)
        )
        return measures

    return measure


def _mean_target(dataset: Dataset) -> FloatArray:
    return np.array([dataset.parts["train"].returns.mean()])


def _predict(predictor: Predictor, samples: PartSamples) -> FloatArray:
    blocks = [
        predictor.predict(samples.features[start : start + _BLOCK].astype(np.float64))
        for start in range(0, len(samples), _BLOCK)
    ]
    return np.concatenate(blocks)
