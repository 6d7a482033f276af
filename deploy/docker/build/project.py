"""Install ktrdr itself, and say in ``/build-info.json`` what the image is.

Usage: ``python project.py IMAGE ACCELERATOR COMMIT LOCK [TORCH_LOCK] [--editable]``

Editable, ktrdr runs from ``/app/src``, over which another source can be mounted.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from install import ENVIRONMENT, pip_install
from trees import EPOCH

SOURCE = Path("/build/source")
EDITABLE = Path("/app/src")
BUILD_INFO = Path("/build-info.json")
_WHEELS = Path("/build/dist")
_INSTALLED = """
import json, platform
from importlib.metadata import PackageNotFoundError, version
try:
    torch = version("torch")
except PackageNotFoundError:
    torch = None
print(json.dumps({"version": version("ktrdr"), "torch": torch,
                  "python": platform.python_version()}))
"""


def main() -> None:
    """Build ktrdr's wheel, install it and write down what the image is."""
    parser = argparse.ArgumentParser()
    parser.add_argument("image")
    parser.add_argument("accelerator")
    parser.add_argument("commit")
    parser.add_argument("locks", nargs="+", type=Path)
    parser.add_argument("--editable", action="store_true")
    given = parser.parse_args()
    install_project(is_editable=given.editable)
    facts = {
        "commit": given.commit,
        "lock": locks_digest(given.locks),
        "image": given.image,
        "accelerator": given.accelerator,
        **installed(),
    }
    BUILD_INFO.write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")
    print(BUILD_INFO.read_text(), end="")


def install_project(*, is_editable: bool) -> None:
    """Install ktrdr from a wheel, which leads to its source if it is editable."""
    target, source = ("wheel:editable", EDITABLE) if is_editable else ("wheel", SOURCE)
    hatchling = [sys.executable, "-m", "hatchling", "build", "-t", target]
    # Without it the wheel's entries carry the time of the build.
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH)}
    command = [*hatchling, "-d", str(_WHEELS)]
    subprocess.run(command, check=True, cwd=source, env=environment)
    # By its name: from a path, pip would note that path. By pip: uv notes the time.
    pip_install("--no-index", f"--find-links={_WHEELS}", "ktrdr")


def locks_digest(locks: list[Path]) -> str:
    """Return the SHA-256 over the locks, one after the other."""
    return hashlib.sha256(b"".join(lock.read_bytes() for lock in locks)).hexdigest()


def installed() -> dict[str, str]:
    """Return what is installed: ktrdr, torch and the interpreter."""
    command = [str(ENVIRONMENT / "bin/python"), "-c", _INSTALLED]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
