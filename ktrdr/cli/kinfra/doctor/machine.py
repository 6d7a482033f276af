"""What this machine itself has to offer, without an engine."""

import os
import re
import shutil
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory

from ktrdr.cli.kinfra.environments.registry import entries
from ktrdr.cli.kinfra.images.contract import load_contract
from ktrdr.cli.kinfra.images.verify.check import Fault, NotChecked
from ktrdr.errors import InputError, NotFoundError
from ktrdr.settings import Settings, settings

_PREFIX = "KTRDR_"
# Read by other things than the program: the engine's search, `make`, tests.
_OTHERS = frozenset(
    {"KTRDR_ENGINE", "KTRDR_TORCH_INDEX", "KTRDR_FAULT_KILLS", "KTRDR_FAULT_STOPS"}
)
_OF_COMPOSE = re.compile(r"\$\{(KTRDR_\w+)")
_TEMPLATES = Path(__file__).parents[1] / "templates"


def git() -> str:
    """Make sure that sandboxes can have worktrees."""
    found = shutil.which("git")
    if found is None:
        raise Fault("git is not installed, and sandboxes are its worktrees")
    return found


def settings_are_known() -> str:
    """Make sure that variables have a meaning and a value that fits it."""
    known = {f"{_PREFIX}{name.upper()}" for name in Settings.model_fields}
    known |= _OTHERS | _read_by_compose()
    given = [name for name in os.environ if name.startswith(_PREFIX)]
    unknown = [name for name in given if name not in known]
    if unknown:
        raise Fault("; ".join(_told(name, known) for name in sorted(unknown)))
    try:
        settings()
    except InputError as error:
        raise Fault(str(error)) from None
    return f"{len(given)} variables set"


def _read_by_compose() -> set[str]:
    """Return the variables that compose files of the environments read."""
    folders = [_TEMPLATES]
    # An installation has those of the templates alone.
    with suppress(NotFoundError):
        folders.append(load_contract().root / "deploy" / "environments")
    files = [path for folder in folders for path in folder.rglob("*.yml")]
    return {name for path in files for name in _OF_COMPOSE.findall(path.read_text())}


def folder() -> str:
    """Make sure that there is a place for environments, and tell what is in it."""
    place = settings().environments
    try:
        there = next(one for one in (place, *place.parents) if one.exists())
        # Rights alone don't tell: some file systems let nobody make anything.
        TemporaryDirectory(prefix=".ktrdr-", dir=there).cleanup()
    except OSError as error:
        raise Fault(
            f"{place} can't be written ({error.strerror}): change its owner, or name "
            "another with KTRDR_ENVIRONMENTS"
        ) from None
    if there != place:
        raise NotChecked(f"{place} is made with the first sandbox")
    broken = [
        f"{one.folder} was deleted: `{one.removal}` gives back its slot"
        for one in entries()
        if one.is_broken
    ]
    if broken:
        raise Fault("; ".join(broken))
    return f"{len(entries())} environments in {place}"


def _told(name: str, known: set[str]) -> str:
    near = get_close_matches(name, known, n=1)
    hint = f", did you mean {near[0]}?" if near else ""
    return f"nothing reads {name}{hint}"
