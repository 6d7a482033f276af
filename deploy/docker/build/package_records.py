"""Keep the records of the Debian packages that a root holds files of.

Scanners read them: without, they could not tell that a library has a known fault.
One file per package in ``status.d``, as images without a package manager have it.
"""

import re
import shutil
from pathlib import Path

_DATABASE = Path("/var/lib/dpkg")
_RECORDS = Path("var/lib/dpkg/status.d")


def record_packages(root: Path) -> None:
    """Copy the record and the licence of every package with a file in ``root``."""
    owners = packages_of(root)
    (root / _RECORDS).mkdir(parents=True)
    for record in (_DATABASE / "status").read_text("utf-8").strip().split("\n\n"):
        name = record.partition("\n")[0].removeprefix("Package: ")
        if name not in owners:
            continue
        (root / _RECORDS / name).write_text(f"{record}\n", "utf-8")
        licence = Path("/usr/share/doc", name, "copyright")
        if licence.is_file():
            target = root / licence.relative_to("/")
            target.parent.mkdir(parents=True)
            shutil.copyfile(licence, target)


def packages_of(root: Path) -> set[str]:
    """Return the names of the packages that own a file in ``root``."""
    # Packages share folders, and Debian's links to the merged ones.
    kept = {
        Path("/", path.relative_to(root))
        for path in root.rglob("*")
        if not path.is_dir()
    }
    return {
        re.sub(r"(:\w+)?\.list$", "", listing.name)
        for listing in _DATABASE.glob("info/*.list")
        if kept.intersection(map(as_merged, listing.read_text().splitlines()))
    }


def as_merged(name: str) -> Path:
    """Return where a file lies, which a package may still name without ``/usr``."""
    path = Path(name)
    return path.parent.resolve() / path.name
