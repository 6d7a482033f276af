"""Where the build of an image gets torch from: a folder of wheels, or an index."""

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ktrdr.cli.kinfra.images.contract import Contract, Image
from ktrdr.errors import InputError

# What the Dockerfiles take for the package index that is configured.
CONFIGURED_INDEX = "default"
_PYTORCH_INDEXES = "https://download.pytorch.org/whl"
_ANSWER_TIMEOUT_S = 10.0
_MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
# The same release twice: a build for the interpreter without threads' lock differs.
_PYTHON_TAG = re.compile(r"-cp3(\d+)-cp3\1-")


@dataclass(frozen=True, kw_only=True)
class TorchSource:
    """A place that has the torch of an image.

    Attributes
    ----------
    python : str
        Release of Python that it has torch for, such as ``3.13``.
    folder : Path or None
        With the wheel; None where an index has it.
    index : str or None
        Address of a package index, or ``default`` for the one that is configured.
    note : str or None
        What is worth telling about the choice.
    """

    python: str
    folder: Path | None = None
    index: str | None = None
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which torch is looked for.

    Attributes
    ----------
    release, build : str
        Such as ``2.13.0`` and ``cu130``.
    platform : str
    python : str or None
        Release of Python; None if any will do.
    usual_python : str
        Release of Python that is taken where there is a choice.
    """

    release: str
    build: str
    platform: str
    python: str | None
    usual_python: str

    @property
    def wheels(self) -> str:
        """Pattern of the wheels' file names."""
        return f"torch-{self.release}+{self.build}-*_{_MACHINES[self.platform]}.whl"


def wanted_torch(
    contract: Contract, image: Image, platform: str, python: str | None
) -> Wanted | None:
    """Return which torch the image holds, None if it holds none."""
    if image.accelerator == "none":
        return None
    return Wanted(
        release=contract.torch_release,
        build=contract.torch_builds[image.accelerator],
        platform=platform,
        python=python,
        usual_python=contract.python,
    )


def pytorch_index(contract: Contract, image: Image) -> str | None:
    """Return PyTorch's public index of the image's torch, None without torch."""
    if image.accelerator == "none":
        return None
    return f"{_PYTORCH_INDEXES}/{contract.torch_builds[image.accelerator]}"


def in_folder(wanted: Wanted, folder: Path) -> TorchSource:
    """Return the source for a folder that the caller names.

    Raises
    ------
    InputError
        If it has no wheel that fits.
    """
    python = _best_python(wanted, folder)
    if python is None:
        raise InputError(
            f"{folder} holds no {wanted.wheels} for Python {wanted.python or '3'}: "
            "put it there, or leave out --wheels to take torch from PyTorch's index"
        )
    return TorchSource(python=python, folder=folder)


def find_torch(wanted: Wanted) -> TorchSource:
    """Return the best source: a configured folder, else PyTorch's index."""
    for folder in configured_folders():
        python = _best_python(wanted, folder)
        if python is not None:
            note = (
                f"torch {wanted.release}+{wanted.build} comes from the configured "
                f"folder {folder}, for Python {python}"
            )
            return TorchSource(python=python, folder=folder, note=note)
    python = wanted.python or wanted.usual_python
    index = f"{_PYTORCH_INDEXES}/{wanted.build}"
    # The usual index has the CUDA build for this platform: `verify` tells which CUDA.
    is_elsewhere = wanted.build != "cpu" and wanted.platform == "linux/amd64"
    if not is_elsewhere or answers(index):
        return TorchSource(python=python, index=index)
    note = f"{index} does not answer: torch comes from the configured package index"
    return TorchSource(python=python, index=CONFIGURED_INDEX, note=note)


def answers(index: str) -> bool:
    """Return whether a package index answers for torch."""
    try:
        with urllib.request.urlopen(f"{index}/torch/", timeout=_ANSWER_TIMEOUT_S):
            return True
    except OSError:
        return False


def configured_folders() -> list[Path]:
    """Return the folders of wheels that the configuration of pip or uv names."""
    names = os.environ.get("UV_FIND_LINKS", "").replace(",", " ").split()
    command = [sys.executable, "-m", "pip", "config", "list"]
    # Tells PIP_FIND_LINKS as well; an environment without pip has no configuration.
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    for line in listed.stdout.splitlines():
        key, _, value = line.partition("=")
        if key.endswith(".find-links"):
            names += value.strip("'\"").replace("\\n", " ").split()
    paths = (Path(name.removeprefix("file://")) for name in names)
    return list(dict.fromkeys(path for path in paths if path.is_dir()))


def _best_python(wanted: Wanted, folder: Path) -> str | None:
    pythons = list(_pythons(wanted, folder))
    if wanted.python is not None:
        return wanted.python if wanted.python in pythons else None
    if wanted.usual_python in pythons:
        return wanted.usual_python
    newest_first = sorted(pythons, key=lambda one: int(one.split(".")[1]), reverse=True)
    return next(iter(newest_first), None)


def _pythons(wanted: Wanted, folder: Path) -> Iterator[str]:
    for path in folder.glob(wanted.wheels):
        tag = _PYTHON_TAG.search(path.name)
        if tag is not None:
            yield f"3.{tag[1]}"
