"""What torch says of itself."""

import importlib
import json
from pathlib import Path


def _has_driver() -> bool:
    """Return whether the engine gave a GPU, whatever torch makes of it."""
    device = Path("/dev/nvidiactl")
    return device.exists() or any(Path("/usr").glob("lib*/**/libcuda.so.1"))


def _report() -> dict[str, object]:
    # Not by an import statement, as this module lies in a room without torch.
    torch = importlib.import_module("torch")
    return {
        "version": str(torch.__version__),
        "cuda": torch.version.cuda,
        "hip": torch.version.hip,
        "has_driver": _has_driver(),
        "sees_gpu": torch.cuda.is_available(),
    }


if __name__ == "__main__":
    print(json.dumps(_report()))
