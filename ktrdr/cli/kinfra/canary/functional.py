"""Real work through the canary: what images have to do before they go out."""

import time
from collections.abc import Callable, Iterator
from functools import partial

from ktrdr.cli.kinfra.canary.trial import LASTING, LONG, SHORT, Trial
from ktrdr.cli.kinfra.environments.environment import Environment
from ktrdr.cli.kinfra.images.verify.check import Check, Fault, check
from ktrdr.client import Client
from ktrdr.errors import NotAuthenticatedError
from ktrdr.progress import Progress
from ktrdr.schemas import BacktestStart, OperationDetail, OperationState

_CANCELLED_WITHIN_S = 30.0
_TAKEN_AGAIN_WITHIN_S = 120.0
# The first process in the container is its init, whose one child is the worker; the
# image holds no shell and no `kill`.
_KILL = """
import os, pathlib, signal
(worker,) = pathlib.Path("/proc/1/task/1/children").read_text().split()
os.kill(int(worker), signal.SIGKILL)
"""


def functional_checks(environment: Environment, progress: Progress) -> Iterator[Check]:
    """Yield how each check came out, one after the other."""
    checks: tuple[tuple[str, Callable[[Trial], str]], ...] = (
        ("services", _services),
        ("builds", _builds),
        ("access", _access),
        ("worker registration", _registration),
        ("training", _training),
        ("backtest", _backtest),
        ("cancel", _cancel),
        ("killed worker", _killed_worker),
        ("wrong image for a worker", _wrong_image),
    )
    with environment.client() as client:
        trial = Trial(environment, client)
        for name, judge in checks:
            progress.phase(name)
            yield check(name, partial(judge, trial))


def _services(trial: Trial) -> str:
    containers = trial.environment.compose.containers()
    unwell = [
        f"{one.service} is {one.state}, {one.health}, exit code {one.exit_code}"
        for one in containers
        if not one.is_done
    ]
    if unwell:
        raise Fault(f"not all are well: {'; '.join(unwell)}")
    return f"{sum(one.is_well for one in containers)} are well"


def _builds(trial: Trial) -> str:
    """Compare what programs say they are with the images that are to be tried."""
    builds = trial.client.system.builds()
    told = {"backend": (builds.backend.image, builds.backend.commit)}
    for one in builds.workers:
        if one.state == "ready":
            told[one.worker] = (one.image, one.commit)
    commits = {commit for _, commit in told.values()}
    images = {name: image for name, (image, _) in told.items()}
    if None in images.values():
        raise Fault(f"not all run in images of ktrdr: {images}")
    wanted = trial.labels()
    found = {(str(image), commit) for image, commit in told.values()}
    if not found <= wanted:
        raise Fault(f"running are {sorted(found)}, the images are {sorted(wanted)}")
    return (
        f"{', '.join(sorted(set(map(str, images.values()))))} of {', '.join(commits)}"
    )


def _access(trial: Trial) -> str:
    with Client(trial.client.url) as stranger:
        try:
            stranger.system.workers()
        except NotAuthenticatedError:
            return "refused without a token"
    raise Fault("the backend answers without a token")


def _registration(trial: Trial) -> str:
    workers = [one for one in trial.client.system.workers() if one.state == "ready"]
    kinds = sorted(one.kind for one in workers)
    if set(kinds) != {"backtest", "training"}:
        raise Fault(f"ready are workers for {kinds}, expected backtest and training")
    return ", ".join(f"{one.name} ({one.kind}, {one.device})" for one in workers)


def _training(trial: Trial) -> str:
    trial.client.data.store_sample()
    done = trial.finish(trial.train(SHORT))
    trial.model = str((done.result or {})["model"])
    epochs = (done.result or {})["n_epochs"]
    return f"{epochs} epochs by {done.worker}, model {trial.model[:12]}"


def _backtest(trial: Trial) -> str:
    if trial.model is None:
        raise Fault("there is no model, as the training failed")
    start = BacktestStart(model=trial.model, resamples=100)
    done = trial.finish(trial.client.operations.start(start).id)
    digest = str((done.result or {})["digest"])
    measures = trial.client.results.show(digest).manifest.measures
    n_trades = measures["n_trades"].value
    if not n_trades:
        raise Fault("the backtest made no trade")
    return f"{n_trades:.0f} trades by {done.worker}, result {digest[:12]}"


def _cancel(trial: Trial) -> str:
    operation = trial.train(LONG)
    trial.until(operation, _has_checkpoint, "writes a checkpoint")
    began_s = time.monotonic()
    trial.client.operations.cancel(operation)
    done = trial.until(
        operation,
        lambda one: one.state.is_final,
        "ends",
        within_s=_CANCELLED_WITHIN_S,
    )
    if done.state is not OperationState.CANCELLED:
        raise Fault(f"{operation} is {done.state}, expected cancelled: {done.error}")
    seconds = time.monotonic() - began_s
    return f"after {seconds:.1f} s, {len(done.checkpoints)} checkpoints kept"


def _killed_worker(trial: Trial) -> str:
    operation = trial.train(LASTING)
    trial.until(operation, _has_checkpoint, "writes a checkpoint")
    began_s = time.monotonic()
    # Ends with an error, as the container does.
    trial.environment.compose.attempt(
        *("exec", "-T", "training-worker-1", "python", "-c", _KILL)
    )
    trial.until(
        operation,
        lambda one: one.attempt > 1 and one.state is OperationState.RUNNING,
        "is taken again",
        within_s=_TAKEN_AGAIN_WITHIN_S,
    )
    seconds = time.monotonic() - began_s
    outcomes = [one.outcome for one in trial.finish(operation).attempts]
    if outcomes != ["lost", "completed"]:
        raise Fault(f"its attempts ended as {outcomes}, expected lost and completed")
    return f"taken again after {seconds:.1f} s and completed"


def _wrong_image(trial: Trial) -> str:
    done = trial.worker_in("backend", "training")
    said = done.err + done.out
    if done.code == 0 or "ktrdr-worker-cpu" not in said:
        raise Fault(
            f"a training worker in the backend's image ended with exit code "
            f"{done.code} and {said[-300:]!r}, expected a refusal that names the image"
        )
    return f"refused with exit code {done.code}, names ktrdr-worker-cpu"


def _has_checkpoint(operation: OperationDetail) -> bool:
    return bool(operation.checkpoints)
