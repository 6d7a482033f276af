import numpy as np
import pytest
import torch

from ktrdr.neural.losses import make_loss
from ktrdr.strategy import CrossEntropyLoss, FocalLoss, HuberLoss, MseLoss
from ktrdr.training.objective import class_loss, value_loss


@pytest.mark.parametrize(
    "spec",
    [
        CrossEntropyLoss(type="cross_entropy"),
        CrossEntropyLoss(type="cross_entropy", label_smoothing=0.2),
        FocalLoss(type="focal", gamma=2.0),
        FocalLoss(type="focal", gamma=0.5),
    ],
)
@pytest.mark.parametrize("weights", [None, [0.5, 1.0, 3.0]])
def test_class_losses_equal_those_that_training_minimizes(spec, weights):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(50, 3))
    classes = rng.integers(0, 3, 50)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    own = class_loss(
        spec, probabilities, classes, None if weights is None else np.array(weights)
    )
    tensor = None if weights is None else torch.tensor(weights, dtype=torch.float64)
    loss = make_loss(spec, tensor)
    assert own == pytest.approx(
        loss(torch.tensor(logits), torch.tensor(classes)).item()
    )


@pytest.mark.parametrize(
    "spec", [MseLoss(type="mse"), HuberLoss(type="huber", delta=0.5)]
)
def test_value_losses_equal_those_that_training_minimizes(spec):
    rng = np.random.default_rng(0)
    predicted, actual = rng.normal(size=(2, 50))
    expected = make_loss(spec, None)(
        torch.tensor(predicted).unsqueeze(1), torch.tensor(actual)
    )
    assert value_loss(spec, predicted, actual) == pytest.approx(expected.item())
