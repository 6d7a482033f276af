"""Move torch out of the environment into a layer of its own, and leave links to it.

Usage: ``python torch_layer.py``

Runs in the step that installs torch: moved by a later one, each file would be stored
twice, 3.4 GB of them where torch has CUDA.
"""

from pathlib import Path

from install import ENVIRONMENT
from trees import OUT, move, normalise

TORCH = OUT / "torch"
_PARTS = ("lib/python3*/site-packages/torch", "lib/python3*/site-packages/nvidia")


def main() -> None:
    """Set torch aside and normalise it."""
    set_aside(Path("/"))
    normalise(TORCH)


def set_aside(root: Path) -> None:
    """Move torch, and NVIDIA's libraries where there are any."""
    for path in parts(root):
        path.symlink_to(move(path, root, TORCH))


def parts(root: Path) -> list[Path]:
    """Return the folders that make up torch's layer."""
    environment = root / ENVIRONMENT.relative_to("/")
    return [path for part in _PARTS for path in sorted(environment.glob(part))]


if __name__ == "__main__":
    main()
