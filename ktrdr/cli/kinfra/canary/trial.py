"""What checks of the canary share: its client, its model, and ways to wait."""

import time
from collections.abc import Callable, Mapping

from ktrdr.cli.kinfra.environments.environment import Environment
from ktrdr.cli.kinfra.images.engine import Done
from ktrdr.cli.kinfra.images.references import LABEL, labels
from ktrdr.cli.kinfra.images.verify.check import Fault
from ktrdr.client import Client
from ktrdr.schemas import OperationDetail, OperationState, TrainingStart

_STRATEGY = "minimal"
_COMMIT_LABEL = "org.opencontainers.image.revision"
_PAUSE_S = 0.25
_WITHIN_S = 180.0
_WITHOUT_END = {
    "training.early_stopping": None,
    "training.checkpoint.every_epochs": 20,
}
# A training that is soon done, one that lasts for seconds, one that goes on for hours.
SHORT = {"training.epochs": 5}
LASTING = {**_WITHOUT_END, "training.epochs": 2_000}
LONG = {**_WITHOUT_END, "training.epochs": 1_000_000}


class Trial:
    """The canary while it is tried.

    Attributes
    ----------
    environment : Environment
    client : Client
    model : str or None
        Digest of the model that was trained.
    """

    def __init__(self, environment: Environment, client: Client) -> None:
        self.environment = environment
        self.client = client
        self.model: str | None = None

    def train(self, overrides: Mapping[str, int | None]) -> str:
        """Start a training of the smallest strategy; return the operation's id."""
        from ktrdr.strategy import find_strategy, read_strategy_text, with_overrides

        text = read_strategy_text(find_strategy(_STRATEGY))
        changed, _ = with_overrides(text, overrides, _STRATEGY)
        start = TrainingStart(strategy=changed, source=_STRATEGY, device="cpu")
        return self.client.operations.start(start).id

    def finish(self, operation: str) -> OperationDetail:
        """Wait for an operation's end.

        Raises
        ------
        Fault
            If it is not completed.
        """
        done = self.until(operation, lambda one: one.state.is_final, "ends")
        if done.state is not OperationState.COMPLETED:
            raise Fault(f"{done.title} is {done.state}: {done.error}")
        return done

    def until(
        self,
        operation: str,
        holds: Callable[[OperationDetail], bool],
        what: str,
        *,
        within_s: float = _WITHIN_S,
    ) -> OperationDetail:
        """Return the operation as soon as something holds of it.

        Raises
        ------
        Fault
            If it ends or the time is over before.
        """
        deadline_s = time.monotonic() + within_s
        while True:
            found = self.client.operations.get(operation)
            if holds(found):
                return found
            if found.state.is_final or time.monotonic() > deadline_s:
                raise Fault(
                    f"operation {operation} is {found.state} and {what} neither "
                    f"before nor within {within_s:.0f} s: {found.error}"
                )
            time.sleep(_PAUSE_S)

    def labels(self) -> set[tuple[str, str]]:
        """Return kind and commit of each image that the canary is made of."""
        compose = self.environment.compose
        told = [labels(compose.engine, one) for one in set(compose.images().values())]
        return {(one[LABEL], one[_COMMIT_LABEL]) for one in told if LABEL in one}

    def worker_in(self, service: str, kind: str) -> Done:
        """Start a worker of a kind in a service's image, as the service is run."""
        return self.environment.compose.attempt(
            *("run", "--rm", "-T", "--no-deps", service, "ktrdr", "worker", kind)
        )
