"""How an image starts by default and tells its health, against the table."""

from pathlib import Path

from ktrdr.cli.kinfra.images.verify.check import Fault, require_none
from ktrdr.cli.kinfra.images.verify.subject import Subject

_ACCELERATOR = "KTRDR_ACCELERATOR"
# Needs no more than the standard library, and reads nothing of the environment's.
_HEALTH_COMMAND = ("python", "-I", "-S", "/app/healthcheck.py")
# The engine counts in nanoseconds.
_NS = 10**9


def entry_point(subject: Subject) -> str:
    """Hold the first process, declared and real, to the table."""
    wanted = list(subject.contract.entry_point)
    declared = subject.config.get("Entrypoint") or []
    first = Path(subject.process.init[0]).name
    if declared != wanted or first != wanted[0]:
        raise Fault(
            f"the entry point is {declared!r} and the first process {first!r}, "
            f"expected an init, {wanted!r}, which passes signals on and buries orphans"
        )
    return " ".join(wanted)


def command(subject: Subject) -> str:
    """Hold the command that it starts by default to the table."""
    wanted, found = list(subject.image.command), subject.config.get("Cmd")
    if found != wanted:
        raise Fault(f"the default command is {found!r}, expected {wanted!r}")
    return " ".join(wanted)


def accelerator(subject: Subject) -> str:
    """Hold what its workers are told of the image's torch to the table."""
    named = subject.image.accelerator
    wanted = None if named == "none" else named
    found = subject.environment.get(_ACCELERATOR)
    if found != wanted:
        raise Fault(f"{_ACCELERATOR} is {found!r}, expected {wanted!r}")
    return named


def health_check(subject: Subject) -> str:
    """Hold the health check, what it runs and when, to what every image has."""
    command = health_command(subject)
    if command != _HEALTH_COMMAND:
        raise Fault(
            f"the health check runs {' '.join(command)!r}, "
            f"expected {' '.join(_HEALTH_COMMAND)!r}"
        )
    found, wanted = _health(subject), _health_times(subject)
    wrong = [
        f"{name} is {found.get(name)!r}, expected {value}"
        for name, value in wanted.items()
        if found.get(name) != value
    ]
    require_none(wrong, "settings of the health check are wrong")
    return " ".join(command)


def health_command(subject: Subject) -> tuple[str, ...]:
    """Return the command of the image's health check.

    Raises
    ------
    Fault
        If there is none, or it needs a shell.
    """
    test = _health(subject).get("Test")
    if not isinstance(test, list) or test[:1] in ([], ["NONE"]):
        raise Fault(
            "there is no HEALTHCHECK; podman keeps it with `build --format docker` only"
        )
    if test[0] != "CMD":
        raise Fault(f"the health check {test!r} needs a shell; expected CMD [...]")
    return tuple(map(str, test[1:]))


def _health(subject: Subject) -> dict[str, object]:
    found = subject.config.get("Healthcheck")
    return found if isinstance(found, dict) else {}


def _health_times(subject: Subject) -> dict[str, int]:
    return {
        "Interval": 10 * _NS,
        "Timeout": 5 * _NS,
        # Twice, as a machine that starts many containers is slow.
        "StartPeriod": 2 * subject.image.ready_s * _NS,
        "Retries": 3,
    }
