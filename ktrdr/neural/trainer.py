"""One training in progress: epochs, batches, and its state as a snapshot."""

import math
import time
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim.lr_scheduler import ReduceLROnPlateau

from ktrdr.errors import JobStopped, TrainingError
from ktrdr.neural.checkpoint import Checkpoint, Snapshot
from ktrdr.neural.device import Kernels
from ktrdr.neural.losses import LossFunction
from ktrdr.neural.network import Network
from ktrdr.neural.optimization import make_optimizer, make_scheduler
from ktrdr.neural.stopping import EarlyStopping
from ktrdr.progress import Progress
from ktrdr.strategy import TrainingSpec

# Between blocks of so many batches the clock is read and the loss looked at.
_BATCHES_PER_BLOCK = 64
_VALIDATION_ROWS = 65_536
_OPTIMIZER_PREFIX = "optimizer."


class Trainer:
    """Trains one network until its epochs or its patience end.

    Rows lie in memory as tensors; each epoch draws one order of all rows and takes
    them batch by batch, the last batch being what is left over.
    """

    def __init__(
        self,
        network: Network,
        loss: LossFunction,
        spec: TrainingSpec,
        *,
        train: tuple[Tensor, Tensor],
        validation: tuple[Tensor, Tensor],
        kernels: Kernels,
        checkpoint: Checkpoint | None,
        progress: Progress,
    ) -> None:
        self._network = network
        self._loss = loss
        self._spec = spec
        self._features, self._targets = train
        self._validation_features, self._validation_targets = validation
        self._kernels = kernels
        self._checkpoint = checkpoint
        self._progress = progress
        self._optimizer = make_optimizer(spec.optimizer, network.weights)
        self._scheduler = make_scheduler(spec.scheduler, self._optimizer, spec.epochs)
        self.stopping = EarlyStopping(spec.early_stopping, network.weights)
        self._rng = np.random.default_rng(spec.seed)
        self._order_state = self._rng.bit_generator.state
        self.epoch = 0
        self._batch = 0
        self._n_untold = 0
        self._loss_sum = torch.zeros((), device=self._features.device)
        self.train_losses: list[float] = []
        self.validation_losses: list[float] = []
        self.learning_rates: list[float] = []
        self._began_s = self._written_s = time.monotonic()
        self._written_epoch = 0

    @property
    def seconds(self) -> float:
        """Seconds of training, those before a resumption included."""
        return time.monotonic() - self._began_s

    @property
    def is_finished(self) -> bool:
        """Whether all epochs are done, or patience has ended."""
        return self.epoch >= self._spec.epochs or self.stopping.is_due

    def run(self) -> None:
        """Train to the end and put the best weights into the network.

        Raises
        ------
        JobStopped
            If the listener asked to stop; the checkpoint is written by then.
        """
        while not self.is_finished:
            self._run_epoch()
            self._finish_epoch()
        self.stopping.restore_best()

    def _run_epoch(self) -> None:
        self._order_state = self._rng.bit_generator.state
        order = torch.from_numpy(self._rng.permutation(len(self._features)))
        batches = torch.split(order.to(self._features.device), self._spec.batch_size)
        for rows in batches[self._batch :]:
            if self._progress.should_stop():
                self._stop()
            if self._batch and self._batch % _BATCHES_PER_BLOCK == 0:
                self._finish_block()
            self._step(rows)
            self._batch += 1

    def _step(self, rows: Tensor) -> None:
        outputs = self._network.training_outputs(self._features.index_select(0, rows))
        loss = self._loss(outputs, self._targets.index_select(0, rows))
        self._network.gradient.zero_()
        torch.autograd.backward(loss)
        if self._spec.gradient_clip is not None:
            clip_grad_norm_(self._network.weights, self._spec.gradient_clip)
        self._optimizer.step()
        self._loss_sum.add_(loss.detach(), alpha=len(rows))
        self._n_untold += len(rows)

    def _stop(self) -> NoReturn:
        self._write_checkpoint()
        kept = "with a checkpoint" if self._checkpoint else "without a checkpoint"
        raise JobStopped(
            f"stopped as asked in epoch {self.epoch + 1}, after {self._batch:,} "
            f"batches, {kept}"
        )

    def _finish_block(self) -> None:
        self._check_finite(self._loss_sum.item(), "training")
        self._tell_work()
        self._progress.advance(self.epoch, f"batch {self._batch:,}")
        waited_s = time.monotonic() - self._written_s
        if waited_s >= self._spec.checkpoint.every_seconds:
            self._write_checkpoint()

    def _finish_epoch(self) -> None:
        train_loss = self._loss_sum.item() / len(self._features)
        validation_loss = self._measure_validation()
        self._check_finite(train_loss, "training")
        self._check_finite(validation_loss, "validation")
        self._tell_work()
        self.epoch += 1
        self._batch = 0
        self._loss_sum.zero_()
        self._order_state = self._rng.bit_generator.state
        self.train_losses.append(train_loss)
        self.validation_losses.append(validation_loss)
        self.learning_rates.append(self._optimizer.param_groups[0]["lr"])
        self.stopping.observe(self.epoch, validation_loss)
        self._step_scheduler(validation_loss)
        self._progress.advance(
            self.epoch, f"loss {train_loss:.5f}, validation {validation_loss:.5f}"
        )
        if self._is_checkpoint_due():
            self._write_checkpoint()

    def _tell_work(self) -> None:
        self._progress.work("samples", self._n_untold)
        self._n_untold = 0

    def _step_scheduler(self, validation_loss: float) -> None:
        if isinstance(self._scheduler, ReduceLROnPlateau):
            self._scheduler.step(validation_loss)
        else:
            self._scheduler.step()

    @torch.no_grad()
    def _measure_validation(self) -> float:
        parts = torch.split(self._validation_features, _VALIDATION_ROWS)
        outputs = torch.cat([self._network.outputs(part) for part in parts])
        return float(self._loss(outputs, self._validation_targets).item())

    def _check_finite(self, loss: float, which: str) -> None:
        if not math.isfinite(loss):
            raise TrainingError(
                f"the {which} loss became {loss} in epoch {self.epoch + 1}: the "
                "weights grew out of bounds. Lower training.optimizer.learning_rate "
                f"(now {self._spec.optimizer.learning_rate:g}) or set "
                "training.gradient_clip, for example to 1.0"
            )

    def _is_checkpoint_due(self) -> bool:
        every = self._spec.checkpoint
        return (
            self.is_finished
            or self.epoch - self._written_epoch >= every.every_epochs
            or time.monotonic() - self._written_s >= every.every_seconds
        )

    def _write_checkpoint(self) -> None:
        if self._checkpoint is not None:
            self._checkpoint.write(self.snapshot())
            self._progress.checkpoint(self._checkpoint.name, self._checkpoint.path)
        self._written_s = time.monotonic()
        self._written_epoch = self.epoch

    def snapshot(self) -> Snapshot:
        """Return all that is needed to go on from here with the same bits."""
        optimizer = self._optimizer.state_dict()
        tensors = {
            "weights": self._network.weights,
            "best_weights": self.stopping.best_weights,
            "dropout_generator": self._network.dropout_generator.get_state(),
            "loss_sum": self._loss_sum,
            **_prefixed(optimizer["state"].get(0, {})),
        }
        return Snapshot(
            tensors=tensors,
            state={
                "epoch": self.epoch,
                "batch": self._batch,
                "order": self._order_state,
                "optimizer": optimizer["param_groups"],
                "scheduler": self._scheduler.state_dict(),
                "stopping": self.stopping.state(),
                "train_losses": self.train_losses,
                "validation_losses": self.validation_losses,
                "learning_rates": self.learning_rates,
                "kernels": {
                    "device": self._kernels.device,
                    "cpu": self._kernels.cpu,
                    "threads": self._kernels.threads,
                },
                "seconds": self.seconds,
            },
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from ``snapshot``, which a trainer of the same run made."""
        state, tensors = snapshot.state, snapshot.tensors
        self._network.weights.copy_(tensors["weights"])
        self._network.dropout_generator.set_state(tensors["dropout_generator"])
        self._loss_sum.copy_(tensors["loss_sum"])
        self._optimizer.load_state_dict(
            {"state": {0: _unprefixed(tensors)}, "param_groups": state["optimizer"]}
        )
        self._scheduler.load_state_dict(state["scheduler"])
        self.stopping.restore(state["stopping"], tensors["best_weights"])
        self._rng.bit_generator.state = state["order"]
        self._order_state = state["order"]
        self.epoch = self._written_epoch = state["epoch"]
        self._batch = state["batch"]
        self.train_losses = list(state["train_losses"])
        self.validation_losses = list(state["validation_losses"])
        self.learning_rates = list(state["learning_rates"])
        self._began_s = time.monotonic() - state["seconds"]
        self._note_other_kernels(Kernels(**state["kernels"]))

    def _note_other_kernels(self, before: Kernels) -> None:
        if before != self._kernels:
            self._progress.note(
                f"the checkpoint was made on {before}, this goes on on "
                f"{self._kernels}: the weights may differ from an uninterrupted "
                "run's in their last bits"
            )


def _prefixed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {_OPTIMIZER_PREFIX + name: tensor for name, tensor in tensors.items()}


def _unprefixed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(_OPTIMIZER_PREFIX): tensor
        for name, tensor in tensors.items()
        if name.startswith(_OPTIMIZER_PREFIX)
    }
