"""Split the environment into the image's layers of torch, of packages and of ktrdr.

Usage: ``python layers.py``

A change of ktrdr's source then leaves the far larger layer of packages as it is, bit
by bit, and one of a package leaves torch: nobody stores or pulls those again.
"""

import shutil
from pathlib import Path

from install import ENVIRONMENT
from project import BUILD_INFO, EDITABLE
from torch_layer import TORCH, parts
from trees import OUT, move, normalise

PACKAGES = OUT / "packages"
SOURCE = OUT / "source"
HEALTHCHECK = Path("/build/healthcheck.py")
_OURS = (
    *("lib/python3*/site-packages/ktrdr*", "lib/python3*/site-packages/_ktrdr*"),
    *("bin/ktrdr", "bin/kinfra"),
)


def main() -> None:
    """Move everything to where the last stages copy it from."""
    split(Path("/"))
    (SOURCE / "app").mkdir(exist_ok=True)
    shutil.copyfile(HEALTHCHECK, SOURCE / "app/healthcheck.py")
    for tree in filter(Path.is_dir, (TORCH, PACKAGES, SOURCE)):
        normalise(tree)


def split(root: Path) -> None:
    """Move the environment and ktrdr's own files below ``root`` into the layers."""
    environment = root / ENVIRONMENT.relative_to("/")
    for link in parts(root):
        link.unlink()
    for pattern in _OURS:
        for path in sorted(environment.glob(pattern)):
            move(path, root, SOURCE)
    move(environment, root, PACKAGES)
    for own in (BUILD_INFO, EDITABLE):
        path = root / own.relative_to("/")
        if path.exists():
            move(path, root, SOURCE)


if __name__ == "__main__":
    main()
