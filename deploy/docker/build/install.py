"""Make the environment of an image from its locks.

Usage: ``python install.py LOCK [--torch-lock FILE --torch-index URL]``

Torch has a lock of its own and comes from PyTorch's index, from the folder of wheels
that the build was given (``--build-context wheels=FOLDER``), or, with the index
``default``, from where the other packages come from.
"""

import argparse
import subprocess
import sys
import venv
from pathlib import Path

ENVIRONMENT = Path("/app/.venv")
WHEELS = Path("/wheels")


def main() -> None:
    """Make the environment and install what the locks name, nothing else."""
    parser = argparse.ArgumentParser()
    parser.add_argument("lock", type=Path)
    parser.add_argument("--torch-lock", type=Path)
    parser.add_argument("--torch-index", default="default")
    given = parser.parse_args()
    make_environment()
    install("--require-hashes", "--requirement", given.lock)
    if given.torch_lock is not None:
        install_torch(given.torch_lock, given.torch_index)


def make_environment() -> None:
    """Make an environment without pip and without scripts for shells."""
    venv.EnvBuilder(symlinks=True, with_pip=False).create(ENVIRONMENT)
    for left_over in ENVIRONMENT.glob("bin/[aA]ctivate*"):
        left_over.unlink()
    (ENVIRONMENT / ".gitignore").unlink(missing_ok=True)


def install(*arguments: str | Path) -> None:
    """Install into the environment; a failure ends the build with uv's message."""
    uv = ["uv", "pip", "install", f"--python={ENVIRONMENT / 'bin/python'}"]
    # The cache is a mount, from which no hard link leads here.
    options = ["--link-mode=copy", "--only-binary=:all:", "--no-deps"]
    done = subprocess.run([*uv, *options, *arguments], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def install_torch(lock: Path, index: str) -> None:
    """Install torch; a failure ends the build with pip's message.

    By pip, as the lock names a release without its build: uv then refuses the hash of
    ``2.13.0+cpu``, which the lock has.
    """
    pip_install("--require-hashes", *torch_source(index), "--requirement", lock)


def pip_install(*arguments: str | Path) -> None:
    """Install into the environment by pip, without bytecode."""
    pip = [sys.executable, "-m", "pip", f"--python={ENVIRONMENT / 'bin/python'}"]
    options = ["--only-binary=:all:", "--no-deps", "--no-compile"]
    quiet = ["--root-user-action=ignore", "--disable-pip-version-check"]
    command = [*pip, "install", *options, *quiet, *arguments]
    done = subprocess.run(command, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def torch_source(index: str) -> list[str]:
    """Return the options that tell where torch comes from."""
    if any(WHEELS.glob("torch-*.whl")):
        return ["--no-index", f"--find-links={WHEELS}"]
    return [] if index == "default" else [f"--index-url={index}"]


if __name__ == "__main__":
    main()
