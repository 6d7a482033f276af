import torch

from ktrdr.neural.stopping import EarlyStopping
from ktrdr.strategy import EarlyStoppingSpec


def run(losses, spec) -> tuple[EarlyStopping, torch.Tensor, int]:
    """Weights are the epoch's number; returns what is left and the epochs run."""
    weights = torch.zeros(3)
    stopping = EarlyStopping(spec, weights)
    epoch = 0
    for epoch, loss in enumerate(losses, start=1):
        weights.fill_(epoch)
        stopping.observe(epoch, loss)
        if stopping.is_due:
            break
    weights.fill_(-1.0)
    stopping.restore_best()
    return stopping, weights, epoch


def test_best_weights_come_back_although_training_went_on():
    stopping, weights, epochs = run([3, 2, 1, 4, 5, 6], EarlyStoppingSpec(patience=3))
    assert epochs == 6
    assert stopping.best_epoch == 3
    assert weights.tolist() == [3, 3, 3]


def test_it_stops_after_patience_epochs_without_improvement():
    _, _, epochs = run([1, 2, 2, 0.5, 2, 2, 2], EarlyStoppingSpec(patience=2))
    assert epochs == 3


def test_equal_loss_is_no_improvement():
    stopping, weights, epochs = run([1.0] * 9, EarlyStoppingSpec(patience=4))
    assert (epochs, stopping.best_epoch, weights[0].item()) == (5, 1, 1)


def test_min_delta_ends_patience_but_the_least_loss_is_kept():
    losses = [1.0, 0.99, 0.98, 0.97]
    spec = EarlyStoppingSpec(patience=3, min_delta=0.5)
    stopping, weights, epochs = run(losses, spec)
    assert epochs == 4
    assert stopping.best_epoch == 4
    assert weights[0].item() == 4


def test_many_small_improvements_add_up():
    losses = [1.0, 0.96, 0.92, 0.88, 0.84]
    _, _, epochs = run(losses, EarlyStoppingSpec(patience=2, min_delta=0.05))
    assert epochs == 5


def test_without_early_stopping_the_last_weights_stay():
    stopping, weights, epochs = run([1, 2, 3], None)
    assert (epochs, stopping.best_epoch, weights[0].item()) == (3, 3, 3)
    assert not stopping.is_due


def test_it_goes_on_from_its_state():
    spec = EarlyStoppingSpec(patience=3)
    first, second = (EarlyStopping(spec, torch.zeros(2)) for _ in range(2))
    for epoch, loss in enumerate([2.0, 1.0, 3.0], start=1):
        first.observe(epoch, loss)
    second.restore(first.state(), first.best_weights)
    for stopping in (first, second):
        stopping.observe(4, 3.0)
        assert not stopping.is_due
        stopping.observe(5, 3.0)
        assert stopping.is_due
