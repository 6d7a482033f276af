"""Pull an image, and tell apart whose fault it is when that fails."""

import subprocess
import sys
from collections.abc import Sequence

from ktrdr.cli.kinfra.images.engine import Engine, EngineError
from ktrdr.errors import InputError, NotFoundError, ProviderError

# What engines and registries say of an image that is not there, or only for others.
_ABSENT = (
    *("not found", "manifest unknown", "name unknown", "does not exist"),
    *("denied", "unauthorized"),
)
# Where names of images come from, unless somebody says otherwise.
NAMED_BY = "the tag and KTRDR_REGISTRY"
_INVALID = ("invalid reference", "invalid image")


class InvalidReferenceError(EngineError, InputError):
    """What was to be pulled can't name an image."""


class AbsentImageError(EngineError, NotFoundError):
    """The registry does not have the image, or not for us."""


class RegistryError(EngineError, ProviderError):
    """The registry did not give the image; trying again may help."""


def pull_image(
    engine: Engine, host: Sequence[str], reference: str, named_by: str = NAMED_BY
) -> None:
    """Fetch an image to a host, showing on standard error how far that is.

    Parameters
    ----------
    host : sequence of str
        The engine's options that name it.
    reference : str
    named_by : str
        What people can change where that is wrong.

    Raises
    ------
    EngineError
        If it can't be pulled; one of this module's, by the reason.
    """
    command = [engine.name, *host, "pull", reference]
    told: list[str] = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        # Standard output is for the command's own result.
        stdout=2,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as pulling:
        for line in pulling.stderr or ():
            sys.stderr.write(line)
            told = [*told, line.strip()][-20:]
    if pulling.returncode:
        last = next((line for line in reversed(told) if line), "no reason was given")
        what = f"`{' '.join(command)}` failed: {last[-500:]}"
        raise _failure(what, last.lower(), named_by)


def _failure(what: str, reason: str, named_by: str) -> EngineError:
    if any(word in reason for word in _INVALID):
        return InvalidReferenceError(
            f"{what}; expected REGISTRY/OWNER/NAME:TAG in small letters: check "
            f"{named_by}"
        )
    if any(word in reason for word in _ABSENT):
        return AbsentImageError(
            f"{what}; check {named_by}, and log in if the registry asks for that"
        )
    return RegistryError(f"{what}; make sure that the registry answers, and try again")
