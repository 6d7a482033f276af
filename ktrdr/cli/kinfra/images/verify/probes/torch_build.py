"""What torch says of itself."""

import importlib
import json


def _report() -> dict[str, object]:
    # Not by an import statement, as this module lies in a room without torch.
    torch = importlib.import_module("torch")
    return {
        "version": str(torch.__version__),
        "cuda": torch.version.cuda,
        "hip": torch.version.hip,
        "sees_gpu": torch.cuda.is_available(),
    }


if __name__ == "__main__":
    print(json.dumps(_report()))
