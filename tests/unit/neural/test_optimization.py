import math

import pytest
import torch

from ktrdr.neural.optimization import make_optimizer, make_scheduler
from ktrdr.strategy import (
    CosineScheduler,
    OptimizerSpec,
    PlateauScheduler,
    StepScheduler,
)

EPOCHS = 12


def rates(spec, losses=(1.0,) * EPOCHS, initial: float = 0.1) -> list[float]:
    """The learning rate of each epoch."""
    weights = torch.zeros(1)
    optimizer = make_optimizer(
        OptimizerSpec(type="sgd", learning_rate=initial), weights
    )
    scheduler = make_scheduler(spec, optimizer, EPOCHS)
    found = []
    for loss in losses:
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        is_plateau = isinstance(spec, PlateauScheduler)
        scheduler.step(loss) if is_plateau else scheduler.step()
    return found


def test_without_scheduler_the_rate_stays():
    assert set(rates(None)) == {0.1}


def test_cosine_falls_along_half_a_cosine_over_all_epochs():
    shares = [(1 + math.cos(math.pi * epoch / EPOCHS)) / 2 for epoch in range(EPOCHS)]
    spec = CosineScheduler(type="cosine", minimum=0.01)
    assert rates(spec) == pytest.approx([0.01 + 0.09 * share for share in shares])


def test_step_falls_every_few_epochs():
    spec = StepScheduler(type="step", every_epochs=5, factor=0.5)
    assert rates(spec) == pytest.approx([0.1] * 5 + [0.05] * 5 + [0.025] * 2)


def test_plateau_falls_after_more_than_patience_epochs_without_improvement():
    spec = PlateauScheduler(type="plateau", patience=2, factor=0.5)
    losses = [5.0, 4.0, 4.0, 4.5, 4.1, 4.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0]
    assert rates(spec, losses) == pytest.approx([0.1] * 5 + [0.05] * 5 + [0.025] * 2)


def test_plateau_takes_the_least_improvement_for_one():
    spec = PlateauScheduler(type="plateau", patience=0, factor=0.5)
    assert set(rates(spec, [1 - 1e-9 * epoch for epoch in range(9)])) == {0.1}


def test_plateau_lowers_the_smallest_rate():
    spec = PlateauScheduler(type="plateau", patience=0, factor=0.5)
    assert rates(spec, [1.0] * 4, 1e-12) == [1e-12, 1e-12, 5e-13, 2.5e-13]
