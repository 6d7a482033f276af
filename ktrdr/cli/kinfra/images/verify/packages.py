"""The installed packages, against the locks."""

import re
from collections.abc import Iterable, Mapping

from ktrdr.cli.kinfra.images.verify.check import require_none
from ktrdr.cli.kinfra.images.verify.metadata import lock_paths
from ktrdr.cli.kinfra.images.verify.subject import Subject
from ktrdr.errors import InputError

_OWN = "ktrdr"
_SEPARATORS = re.compile(r"[-_.]+")


def packages(subject: Subject) -> str:
    """Hold the packages to exactly those that are locked, and ktrdr."""
    lines: list[str] = []
    for path in lock_paths(subject.contract.root, subject):
        lines += requirement_lines(path.read_text("utf-8"))
    wanted = locked(lines, subject.process.markers)
    found = {
        normalized(name): release for name, release in subject.process.packages.items()
    }
    own = found.pop(_OWN, None)
    require_none([_OWN] if own is None else [], "packages are missing")
    require_none(differences(wanted, found), "packages differ from the lock")
    return f"{len(found)} as locked, and {_OWN} {own}"


def requirement_lines(lock: str) -> list[str]:
    """Return the requirements of a lock, without their hashes."""
    whole = lock.replace("\\\n", " ")
    lines = (re.split(r"\s--hash=|(?:^|\s)#", line)[0].strip() for line in
             whole.splitlines())  # fmt: skip
    return [line for line in lines if line and not line.startswith("-")]


def locked(lines: Iterable[str], markers: Mapping[str, str]) -> dict[str, str]:
    """Return packages and releases that ``lines`` pin where ``markers`` hold.

    Raises
    ------
    InputError
        If a line pins no release.
    """
    from packaging.requirements import Requirement

    found = {}
    for line in lines:
        requirement = Requirement(line)
        pins = [one.version for one in requirement.specifier if one.operator == "=="]
        if len(pins) != 1:
            raise InputError(f"the lock's line {line!r} pins no release")
        if requirement.marker is None or requirement.marker.evaluate(dict(markers)):
            found[normalized(requirement.name)] = pins[0]
    return found


def normalized(name: str) -> str:
    """Return the form of a package's name that all its spellings share."""
    return _SEPARATORS.sub("-", name).lower()


def differences(wanted: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Return how the installed packages differ from the locked ones."""
    told = []
    for name in sorted({*wanted, *found}):
        expected, release = wanted.get(name), found.get(name)
        if release is None:
            told.append(f"{name} {expected} is not installed")
        elif expected is None:
            told.append(f"{name} {release} is not locked")
        # A build of torch adds its variant, such as +cpu, to what is locked.
        elif release != expected and release.partition("+")[0] != expected:
            told.append(f"{name} {release} is not {expected}")
    return told
