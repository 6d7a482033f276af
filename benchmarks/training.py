"""W6: train a small network, beside scikit-learn and a plain DataLoader loop.

A multilayer perceptron 30-64-32-3 on 500,000 rows, in batches of 1,024, with Adam, on
one thread. Every tool runs in a process of its own, so that its peak memory is its
own; rounds take turns, so that a busy neighbour hits all of them alike.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import environment

N_ROWS = 500_000
N_FEATURES = 30
HIDDEN = (64, 32)
N_CLASSES = 3
BATCH_SIZE = 1_024
SEED = 7
ROUNDS = 5
# Peers run as many epochs in their time as make a round comparable.
EPOCHS = {"ktrdr": 3, "scikit-learn": 2, "DataLoader loop": 1}
_MEGABYTE = 10**6

Features = NDArray[np.float32]
Classes = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One round of one tool.

    Attributes
    ----------
    rate : float
        Samples learned from per CPU second.
    wall_rate : float
        The same per second of wall-clock time.
    peak_mb : float
        Peak memory of the process, 10**6 bytes, its data and libraries included.
    """

    rate: float
    wall_rate: float
    peak_mb: float


def make_data() -> tuple[Features, Classes]:
    """Return rows of which a network can learn something."""
    rng = np.random.default_rng(SEED)
    features = rng.normal(size=(N_ROWS, N_FEATURES)).astype(np.float32)
    score = features[:, :4].sum(axis=1) + rng.normal(size=N_ROWS)
    return features, np.digitize(score, [-1.0, 1.0]).astype(np.int64)


def run_ktrdr(features: Features, classes: Classes, epochs: int) -> None:
    """Train with what ktrdr ships."""
    from ktrdr.neural import Samples, fit_network
    from ktrdr.strategy import (
        ForwardReturnLabels,
        MlpSpec,
        OptimizerSpec,
        TrainingSpec,
    )

    few = slice(0, BATCH_SIZE)
    fit_network(
        Samples(features=features, targets=classes),
        Samples(features=features[few], targets=classes[few]),
        model=MlpSpec(type="mlp", hidden_layers=HIDDEN),
        n_outputs=N_CLASSES,
        spec=TrainingSpec(
            labels=ForwardReturnLabels(type="forward_return", horizon=1),
            epochs=epochs,
            batch_size=BATCH_SIZE,
            optimizer=OptimizerSpec(type="adam"),
            early_stopping=None,
            seed=SEED,
        ),
        device="cpu",
        threads=1,
    )


def run_scikit_learn(features: Features, classes: Classes, epochs: int) -> None:
    """Train scikit-learn's classifier of the same shape."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        HIDDEN, solver="adam", batch_size=BATCH_SIZE, max_iter=epochs, random_state=SEED
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features, classes)


def run_dataloader(features: Features, classes: Classes, epochs: int) -> None:
    """Train in the loop of torch's tutorials, rows fetched one by one."""
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    dataset = TensorDataset(torch.from_numpy(features), torch.from_numpy(classes))
    loader = DataLoader(dataset, batch_size=BATCH_SIZE, shuffle=True)
    model = nn.Sequential(
        nn.Linear(N_FEATURES, HIDDEN[0]),
        nn.ReLU(),
        nn.Linear(HIDDEN[0], HIDDEN[1]),
        nn.ReLU(),
        nn.Linear(HIDDEN[1], N_CLASSES),
    )
    optimizer = torch.optim.Adam(model.parameters())
    loss_of = nn.CrossEntropyLoss()
    for _ in range(epochs):
        total = 0.0
        for rows, targets in loader:
            optimizer.zero_grad()
            loss = loss_of(model(rows), targets)
            loss.backward()
            optimizer.step()
            total += loss.item()


TOOLS: dict[str, Callable[[Features, Classes, int], None]] = {
    "ktrdr": run_ktrdr,
    "scikit-learn": run_scikit_learn,
    "DataLoader loop": run_dataloader,
}


def measure(tool: str) -> Measurement:
    """Measure one round of ``tool`` in this process, imports and warm-up excluded."""
    features, classes = make_data()
    few = slice(0, 4 * BATCH_SIZE)
    TOOLS[tool](features[few], classes[few], 1)
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    TOOLS[tool](features, classes, EPOCHS[tool])
    cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
    n_samples = N_ROWS * EPOCHS[tool]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Kilobytes on Linux, bytes on macOS.
    peak_bytes = peak if sys.platform == "darwin" else peak * 1024
    return Measurement(
        rate=n_samples / cpu_s,
        wall_rate=n_samples / wall_s,
        peak_mb=peak_bytes / _MEGABYTE,
    )


def time_split() -> dict[str, float]:
    """Return the CPU seconds of each step of an epoch of ktrdr's loop, one by one."""
    import torch

    from ktrdr.neural.losses import make_loss
    from ktrdr.neural.network import Network
    from ktrdr.neural.optimization import make_optimizer
    from ktrdr.strategy import CrossEntropyLoss, MlpSpec, OptimizerSpec

    torch.set_num_threads(1)
    features, classes = (torch.from_numpy(each) for each in make_data())
    network = Network(
        MlpSpec(type="mlp", hidden_layers=HIDDEN),
        n_features=N_FEATURES,
        n_outputs=N_CLASSES,
        seed=SEED,
    )
    loss_of = make_loss(CrossEntropyLoss(type="cross_entropy"), None)
    optimizer = make_optimizer(OptimizerSpec(type="adam"), network.weights)
    steps = ("permute", "gather", "forward", "backward", "optimizer")
    spent = dict.fromkeys(steps, 0.0)
    began = time.process_time()

    def lap(step: str) -> None:
        nonlocal began
        now = time.process_time()
        spent[step] += now - began
        began = now

    order = torch.from_numpy(np.random.default_rng(SEED).permutation(N_ROWS))
    lap("permute")
    for rows in torch.split(order, BATCH_SIZE):
        batch, targets = features.index_select(0, rows), classes.index_select(0, rows)
        lap("gather")
        loss = loss_of(network.training_outputs(batch), targets)
        lap("forward")
        network.gradient.zero_()
        torch.autograd.backward(loss)
        lap("backward")
        optimizer.step()
        lap("optimizer")
    return spent


def _in_process(*arguments: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.training", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment()
    )
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def _medians(rounds: int) -> dict[str, Measurement]:
    results: dict[str, list[dict[str, float]]] = {tool: [] for tool in TOOLS}
    for _ in range(rounds):
        for tool in TOOLS:
            results[tool].append(_in_process("--tool", tool))
    return {
        tool: Measurement(
            **{key: median(each[key] for each in taken) for key in taken[0]}
        )
        for tool, taken in results.items()
    }


def main(rounds: int = ROUNDS) -> None:
    """Measure all tools and print a table, ratios and where the time goes."""
    shape = "-".join(map(str, (N_FEATURES, *HIDDEN, N_CLASSES)))
    print(
        f"W6: MLP {shape}, {N_ROWS:,} rows, batch {BATCH_SIZE:,}, Adam, 1 thread; "
        f"medians of {rounds} rounds"
    )
    results = _medians(rounds)
    own = results["ktrdr"]
    print(f"{'':<17}{'samples/CPU s':>14}{'samples/s':>12}{'peak MB':>9}  ktrdr is")
    for tool, result in results.items():
        ratio = "" if result is own else f"  {own.rate / result.rate:.2f} times as fast"
        print(
            f"{tool:<17}{result.rate:>14,.0f}{result.wall_rate:>12,.0f}"
            f"{result.peak_mb:>9,.0f}{ratio}"
        )
    split = _in_process("--split")
    whole = sum(split.values())
    shares = ", ".join(f"{step} {spent / whole:.0%}" for step, spent in split.items())
    print(f"Of an epoch of ktrdr's: {shares} ({whole:.2f} CPU s)")


def _command() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--tool", choices=TOOLS)
    parser.add_argument("--split", action="store_true")
    asked = parser.parse_args()
    if asked.tool:
        print(json.dumps(asdict(measure(asked.tool))))
    elif asked.split:
        print(json.dumps(time_split()))
    else:
        main(asked.rounds)


if __name__ == "__main__":
    _command()
