"""One training as a process that kills itself: ``python -m ... JSON``."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from ktrdr.neural import Checkpoint, fit_network
from ktrdr.neural.network import Network
from ktrdr.strategy import MlpSpec
from tests.unit.neural.specs import class_samples, training_spec


def train(
    path: Path, spec: dict[str, Any], *, dropout: float, resume: bool
) -> dict[str, Any]:
    """Train and tell what came out, the weights as bytes in hexadecimal."""
    fitted = fit_network(
        class_samples(400, noise=3.0),
        class_samples(120, seed=5, noise=3.0),
        model=MlpSpec(type="mlp", hidden_layers=(8, 4), dropout=dropout),
        n_outputs=3,
        spec=training_spec(**spec),
        checkpoint=Checkpoint(path, {"run": "1"}),
        resume=resume,
    )
    tensors = fitted.tensors
    return {
        "weights": b"".join(tensors[name].tobytes() for name in sorted(tensors)).hex(),
        "epochs": fitted.n_epochs,
        "best": fitted.best_epoch,
        "losses": list(fitted.train_losses),
        "rates": list(fitted.learning_rates),
    }


def main() -> None:
    asked = json.loads(sys.argv[1])
    steps = 0
    original = Network.training_outputs

    def counted(self, features):
        nonlocal steps
        steps += 1
        if steps == asked["die_at_step"]:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(self, features)

    Network.training_outputs = counted  # type: ignore[method-assign]
    path = Path(asked["path"])
    report = train(
        path, asked["spec"], dropout=asked["dropout"], resume=asked["resume"]
    )
    print(json.dumps({**report, "steps": steps}))


if __name__ == "__main__":
    main()
