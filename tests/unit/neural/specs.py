"""Small specs and samples for the tests of this room."""

import numpy as np

from ktrdr.neural import Samples
from ktrdr.strategy import MlpSpec, TrainingSpec

SMALL = MlpSpec(type="mlp", hidden_layers=(6, 4), activation="tanh")


def training_spec(**keys) -> TrainingSpec:
    return TrainingSpec.model_validate(
        {
            "labels": {"type": "forward_return", "horizon": 1},
            "epochs": 4,
            "batch_size": 32,
            "early_stopping": None,
            **keys,
        }
    )


def class_samples(
    n_samples: int = 200, *, seed: int = 0, noise: float = 0.5
) -> Samples:
    """Three classes that a few features tell apart, but for some noise."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n_samples, 5)).astype(np.float32)
    score = features[:, 0] - features[:, 1] + noise * rng.normal(size=n_samples)
    return Samples(features=features, targets=np.digitize(score, [-0.7, 0.7]))


def value_samples(n_samples: int = 200, *, seed: int = 0) -> Samples:
    """One value that depends on two features."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n_samples, 5)).astype(np.float32)
    targets = features[:, 0] * 0.5 - features[:, 1] + 0.1 * rng.normal(size=n_samples)
    return Samples(features=features, targets=targets.astype(np.float32))
