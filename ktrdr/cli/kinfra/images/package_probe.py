"""Runs inside an image: which packages it holds and what each weighs.

Standard library only, and nothing of ktrdr: it is given to the image's interpreter on
standard input. Prints a JSON list of ``[name, version, bytes]``.
"""

import json
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path


def weights() -> list[tuple[str, str, int]]:
    """Return name, version and bytes of each installed package."""
    return [(one.name, one.version, _bytes(one)) for one in distributions()]


def _bytes(package: Distribution) -> int:
    listed = {Path(str(package.locate_file(one))) for one in package.files or ()}
    # Bytecode that was compiled after the installation is in no list.
    compiled = {
        bytecode
        for path in listed
        if path.suffix == ".py"
        for bytecode in path.parent.glob(f"__pycache__/{path.stem}.*.pyc")
    }
    return sum(path.stat().st_size for path in listed | compiled if path.is_file())


if __name__ == "__main__":
    sys.stdout.write(json.dumps(weights()))
