"""Which checks an image has to pass, in their order."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

from ktrdr.cli.kinfra.images.contract import Contract
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.cli.kinfra.images.references import Found
from ktrdr.cli.kinfra.images.verify import (
    filesystem,
    imports,
    metadata,
    packages,
    serving,
    start,
    work,
)
from ktrdr.cli.kinfra.images.verify.check import Check, check
from ktrdr.cli.kinfra.images.verify.report import Report
from ktrdr.cli.kinfra.images.verify.subject import Subject
from ktrdr.cli.kinfra.images.verify.system import System, running_system
from ktrdr.progress import NoProgress, Progress

# Of the image alone.
_OF_IMAGE: tuple[tuple[str, Callable[[Subject], str]], ...] = (
    ("size", metadata.size),
    ("labels", metadata.labels),
    ("build information", metadata.build_information),
    ("user", metadata.declared_user),
    ("ports", metadata.ports),
    ("init", start.entry_point),
    ("command", start.command),
    ("accelerator", start.accelerator),
    ("health check", start.health_check),
    ("environment", metadata.environment),
    ("history", metadata.history),
    ("setuid files", filesystem.set_id),
    ("shells and installers", filesystem.programs),
    ("owners", filesystem.ownership),
    ("left by the build", filesystem.left_behind),
    ("secrets", filesystem.secrets),
    ("certificates", filesystem.certificates),
    ("read-only run", filesystem.read_only),
    ("packages", packages.packages),
    ("imports", imports.imports),
    ("non-imports", imports.non_imports),
    ("torch", imports.torch_build),
    ("wrong image", work.refusals),
)


def verify_image(
    engine: Engine,
    contract: Contract,
    found: Found,
    *,
    uses_gpu: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Check an image against the table and return how that came out.

    Parameters
    ----------
    engine : Engine
    contract : Contract
    found : Found
        Which image, and what it has to be.
    uses_gpu : bool
        Whether to train on a GPU, too, if there is one.
    progress : Progress or None
        Hears of each check before it is made.
    """
    subject = Subject(engine=engine, contract=contract, found=found)
    listener = progress or NoProgress()
    checks = [
        *_check_image(subject, listener),
        *_check_runs(subject, uses_gpu, listener),
    ]
    return Report(
        key=found.image.key,
        reference=found.reference,
        engine=engine.name,
        checks=tuple(checks),
    )


def _check_image(subject: Subject, progress: Progress) -> Iterator[Check]:
    for name, judge in _OF_IMAGE:
        progress.phase(name)
        yield check(name, partial(judge, subject))


def _check_runs(
    subject: Subject, uses_gpu: bool, progress: Progress
) -> Iterator[Check]:
    of_runs: tuple[tuple[str, Callable[[System], str]], ...] = (
        ("database", serving.schema),
        ("no open backend", serving.refuses_to_be_open),
        ("backend", serving.backend),
        ("training", work.training),
        ("backtest", work.backtest),
        ("training on a GPU", partial(work.gpu_training, is_wanted=uses_gpu)),
        ("backtest worker", partial(serving.worker, kind="backtest")),
        ("training worker", partial(serving.worker, kind="training")),
    )
    with ExitStack() as stack:
        systems: list[System] = []

        def begin() -> str:
            systems.append(stack.enter_context(running_system(subject)))
            return "a database, a network, a folder"

        progress.phase("system")
        yield check("system", begin)
        for name, judge in of_runs if systems else ():
            progress.phase(name)
            yield check(name, partial(judge, systems[0]))
