"""Move what layers are made of, and make it the same from build to build."""

import os
import shutil
from pathlib import Path

OUT = Path("/out")
# 1980, the first moment that every archive can tell.
EPOCH = 315_532_800


def move(path: Path, root: Path, layer: Path) -> Path:
    """Move a file or folder to the same place in a layer as it has below ``root``."""
    target = layer / path.relative_to(root)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(path, target)
    return target


def normalise(tree: Path) -> None:
    """Let everybody read and only root write, and give all files one time.

    What is so already is not touched: the engine would store it a second time.
    """
    for path in (*tree.rglob("*"), tree):
        if path.is_symlink():
            continue
        runs = path.is_dir() or path.stat().st_mode & 0o100
        mode = 0o755 if runs else 0o644
        if path.stat().st_mode & 0o7777 != mode:
            path.chmod(mode)
    set_times(tree)


def set_times(tree: Path) -> None:
    """Give everything in a folder one time."""
    for path in (*tree.rglob("*"), tree):
        if path.lstat().st_mtime != EPOCH:
            os.utime(path, (EPOCH, EPOCH), follow_symlinks=False)
