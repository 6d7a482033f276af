"""Which files of a checkout a build of an image is sent, by ``.dockerignore``."""

import os
import shutil
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).parents[1]
RULES = (ROOT / ".dockerignore").read_text("utf-8")


def is_sent(path: Path, rules: str = RULES) -> bool:
    """Tell whether the engine is sent a file: the last rule that fits it decides."""
    sent = True
    for line in rules.splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!").rstrip("/")
        if any(_fits(part, pattern) for part in (path, *path.parents)):
            sent = line.startswith("!")
    return sent


def _fits(path: Path, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return any(
            _fits(Path(*path.parts[start:]), pattern.removeprefix("**/"))
            for start in range(len(path.parts))
        )
    parts = pattern.split("/")
    return len(parts) == len(path.parts) and all(map(fnmatchcase, path.parts, parts))


def context() -> list[Path]:
    """Return the files that are sent, as this checkout lies here."""
    found = []
    for folder, folders, files in os.walk(ROOT):
        inside = Path(folder).relative_to(ROOT)
        # Large, and decided by their names: a test holds that they are not sent.
        folders[:] = [name for name in folders if name not in (".git", ".venv")]
        found += [inside / name for name in files if is_sent(inside / name)]
    return found


def copy_context(folder: Path) -> None:
    """Copy what a build is sent, so that nothing of it changes meanwhile."""
    for path in (*context(), Path(".dockerignore")):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, target)
