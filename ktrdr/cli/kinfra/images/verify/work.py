"""Real work in an image: a training, a backtest, and what it must refuse."""

import time
from pathlib import Path

from ktrdr.cli.kinfra.images.verify.answers import BacktestAnswer, TrainingAnswer
from ktrdr.cli.kinfra.images.verify.check import Fault, NotChecked
from ktrdr.cli.kinfra.images.verify.facts import TorchFacts
from ktrdr.cli.kinfra.images.verify.subject import Subject, failure
from ktrdr.cli.kinfra.images.verify.system import System

_STRATEGY = "minimal"
_DRAWING = Path(__file__).parent / "probes" / "drawn_model.py"
# Before it has reached for database or backend, which would take longer.
_REFUSAL_S = 20.0
# The engine's own exit codes, for a container that it could not start.
_REFUSED = range(125, 129)
_GPU_OPTIONS = {"docker": ("--gpus=all",), "podman": ("--device=nvidia.com/gpu=all",)}


def training(system: System) -> str:
    """Train the smallest strategy on the sample bars, by the image's own commands."""
    if "training" not in system.subject.image.does:
        raise NotChecked("the image is not made for training")
    system.do("ktrdr", "data", "sample", "--json")
    return _train(system, "cpu", ())


def backtest(system: System) -> str:
    """Backtest the model that was trained, or one whose weights are drawn."""
    image = system.subject.image
    if "backtest" not in image.does:
        raise NotChecked("the image is not made for backtests")
    drawn = "training" not in image.does
    if drawn:
        _draw_model(system)
    command = ("ktrdr", "backtest", _STRATEGY, "--resamples", "100")
    answer = system.do_json(BacktestAnswer, *command)
    if not answer.n_trades:
        raise Fault("the backtest made no trade")
    of = "drawn weights" if drawn else "the trained model"
    return f"{answer.n_trades:.0f} trades with {of}, result {answer.digest[:12]}"


def refusals(subject: Subject) -> str:
    """Start the image as what it is not: it must say at once which one is right."""
    told = [_refuse_role(subject, role) for role in subject.image.refuses]
    if subject.image.accelerator != "none":
        told.append(_refuse_accelerator(subject))
    if not told:
        raise NotChecked("the image refuses nothing")
    return "; ".join(told)


def gpu_training(system: System, *, is_wanted: bool) -> str:
    """Train on a GPU, where there is one."""
    image, engine = system.subject.image, system.subject.engine
    if image.accelerator != "cuda":
        raise NotChecked("the image is not made for a GPU")
    if not is_wanted:
        raise NotChecked("not checked on a GPU: give --gpu where there is one")
    options = _GPU_OPTIONS[engine.name]
    _require_gpu(system.subject, options)
    return _train(system, "cuda", options)


def _require_gpu(subject: Subject, options: tuple[str, ...]) -> None:
    alone = ("--network=none", *options)
    done = subject.run("python", "-c", "pass", options=alone)
    if done.code in _REFUSED:
        raise NotChecked(
            f"not checked on a GPU, as {subject.engine.name} gives none: "
            f"{(done.err.strip() or f'exit code {done.code}')[-200:]}"
        )
    # Had it none to give, the engine would have refused: what follows is the image's.
    facts = subject.ask("torch_build", TorchFacts, options=alone)
    if not facts.has_driver:
        raise Fault(
            f"{subject.engine.name} took {' '.join(options)}, and there is neither "
            "/dev/nvidiactl nor libcuda.so.1 inside"
        )
    if not facts.sees_gpu:
        raise Fault(
            f"there is a GPU inside, and torch {facts.version} for CUDA {facts.cuda} "
            "can't use it"
        )


def _train(system: System, device: str, options: tuple[str, ...]) -> str:
    command = ("ktrdr", "train", _STRATEGY, "--device", device)
    answer = system.do_json(TrainingAnswer, *command, options=options)
    return (
        f"{answer.n_epochs} epochs on {device}, test loss {answer.test_loss:.3f}, "
        f"weights {answer.weights[:12]}"
    )


def _draw_model(system: System) -> None:
    program = _DRAWING.read_text("utf-8")
    done = system.subject.run("python", "-", options=system.options, stdin=program)
    if done.code:
        raise Fault(f"the program that draws a model {failure(done)}")


def _refuse_role(subject: Subject, role: str) -> str:
    right = [one.name for one in subject.contract.images if role in one.does
             and one.key != subject.image.key and one.published]  # fmt: skip
    return _require_refusal(subject, ("ktrdr", "worker", role), right)


def _refuse_accelerator(subject: Subject) -> str:
    other = "cuda" if subject.image.accelerator == "cpu" else "cpu"
    right = [one.name for one in subject.contract.images
             if one.accelerator == other and one.published]  # fmt: skip
    command = ("ktrdr", "worker", "training")
    return _require_refusal(subject, command, right, f"--env=KTRDR_ACCELERATOR={other}")


def _require_refusal(
    subject: Subject, command: tuple[str, ...], right: list[str], *options: str
) -> str:
    began_s = time.monotonic()
    done = subject.run(*command, options=("--network=none", *options))
    seconds = time.monotonic() - began_s
    said = done.err + done.out
    named = [name for name in right if name in said]
    if done.code == 0 or not named:
        raise Fault(
            f"`{' '.join((*options, *command))}` ended with exit code {done.code} and "
            f"{said[-300:]!r}, expected a refusal that names {' or '.join(right)}"
        )
    if seconds > _REFUSAL_S:
        raise Fault(
            f"the refusal took {seconds:.0f} s, at most {_REFUSAL_S:.0f} expected"
        )
    return f"exit code {done.code} after {seconds:.1f} s, names {named[0]}"
