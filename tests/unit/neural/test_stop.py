"""Stopped when asked, at any batch, and gone on with: the same bits."""

import pytest

from ktrdr.errors import JobStopped
from ktrdr.neural import Checkpoint, Fit, fit_network
from ktrdr.progress import NoProgress
from ktrdr.strategy import MlpSpec
from tests.unit.neural.specs import class_samples, training_spec

BATCHES_PER_EPOCH = 50


class Impatient(NoProgress):
    """Asks to stop at its nth question; keeps the checkpoints it is told of."""

    def __init__(self, stop_at: int = 0) -> None:
        self.stop_at = stop_at
        self.asked = 0
        self.checkpoints: list[str] = []

    def should_stop(self) -> bool:
        self.asked += 1
        return self.asked == self.stop_at

    def checkpoint(self, name, path):
        assert path.exists()
        self.checkpoints.append(name)


def fit(path, progress, *, resume: bool, with_checkpoint=True) -> Fit:
    return fit_network(
        class_samples(200, noise=3.0),
        class_samples(60, seed=5, noise=3.0),
        model=MlpSpec(type="mlp", hidden_layers=(6,), dropout=0.4),
        n_outputs=3,
        spec=training_spec(
            epochs=6,
            batch_size=4,
            optimizer={"type": "adam", "learning_rate": 0.02},
            scheduler={"type": "plateau", "patience": 1, "factor": 0.5},
            early_stopping={"patience": 3},
        ),
        checkpoint=Checkpoint(path, {"run": "1"}, "mlp") if with_checkpoint else None,
        resume=resume,
        progress=progress,
    )


def bits(fitted: Fit) -> dict[str, bytes]:
    return {name: tensor.tobytes() for name, tensor in fitted.tensors.items()}


@pytest.mark.parametrize(
    "stops",
    [
        # Before the first batch, after it, at an epoch's last batch, at its first.
        [1],
        [2],
        [BATCHES_PER_EPOCH, 1],
        [BATCHES_PER_EPOCH + 1],
        # Again and again, a few batches each time.
        [60, 3, 70, 50, 51],
    ],
)
def test_stopped_and_resumed_gives_the_same_bits(tmp_path, stops):
    whole = fit(tmp_path / "whole", Impatient(), resume=False)
    path = tmp_path / "stopped"
    for number, stop_at in enumerate(stops):
        progress = Impatient(stop_at)
        with pytest.raises(JobStopped, match="with a checkpoint"):
            fit(path, progress, resume=number > 0)
        assert progress.asked == stop_at
        assert progress.checkpoints[-1] == "mlp"
    resumed = fit(path, Impatient(), resume=True)
    assert bits(resumed) == bits(whole)
    assert resumed.train_losses == whole.train_losses
    assert resumed.learning_rates == whole.learning_rates
    assert resumed.best_epoch == whole.best_epoch


def test_a_training_without_checkpoint_stops_too(tmp_path):
    with pytest.raises(JobStopped, match="without a checkpoint"):
        fit(tmp_path / "none", Impatient(5), resume=False, with_checkpoint=False)
