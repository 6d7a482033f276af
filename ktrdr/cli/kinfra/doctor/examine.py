"""Which checks the doctor makes, and in which order."""

import os
from collections.abc import Callable
from functools import partial

from ktrdr.cli.kinfra.doctor import host, machine
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.cli.kinfra.images.verify.check import Check, check
from ktrdr.progress import Progress

_NO_ENGINE = "none"


def examine(wanted: str | None, progress: Progress) -> tuple[str, list[Check]]:
    """Return the name of the engine and how each check came out.

    Without an engine, only what needs none is checked.
    """
    engines: list[Engine] = []

    def find() -> str:
        engines.append(Engine.find(wanted))
        if not (wanted or os.environ.get("KTRDR_ENGINE")):
            host.expect_docker(engines[0])
        return host.version(engines[0])

    checks = [_made(progress, "engine", find)]
    of_engine: tuple[tuple[str, Callable[[Engine], str]], ...] = (
        ("compose", host.compose),
        ("engine's disk", host.disk),
        ("memory and processors", host.size),
        ("GPU runtime", host.gpu),
        ("images", host.images),
        ("ports", host.ports),
    )
    for name, judge in of_engine if engines else ():
        checks.append(_made(progress, name, partial(judge, engines[0])))
    of_machine: tuple[tuple[str, Callable[[], str]], ...] = (
        ("git", machine.git),
        ("settings", machine.settings_are_known),
        ("folder of environments", machine.folder),
    )
    checks += [_made(progress, name, judge) for name, judge in of_machine]
    return engines[0].name if engines else _NO_ENGINE, checks


def _made(progress: Progress, name: str, judge: Callable[[], str]) -> Check:
    progress.phase(name)
    return check(name, judge)
