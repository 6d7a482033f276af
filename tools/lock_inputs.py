"""What each lock in ``deploy/locks`` is made from, and the digest that tells."""

import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ktrdr.cli.kinfra.images.contract import Contract, load_contract

FOLDER = Path("deploy/locks")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# What works on mounted source must be installed in place.
EDITABLE = "editables>=0.5,<1"
Torch = Literal["none", "cpu", "cuda"]


@dataclass(frozen=True, kw_only=True)
class LockInputs:
    """Everything that decides what a lock holds, but for the package index.

    Attributes
    ----------
    name : str
        Of the file, without ending.
    requirements : tuple of str
        As pyproject.toml states them.
    torch : str
        For which accelerator it holds torch's own dependencies. Torch itself has a
        lock of its own for each accelerator.
    torch_release, torch_build : str or None
        Such as ``2.13.0`` and ``cu130``.
    platforms, pythons : tuple of str
        Where it must be installable.
    agrees_with : str or None
        Lock whose releases it takes wherever both hold a package.
    uv : str
        Release that resolves and installs.
    """

    name: str
    requirements: tuple[str, ...]
    torch: Torch = "none"
    torch_release: str | None = None
    torch_build: str | None = None
    platforms: tuple[str, ...] = ("linux/amd64", "linux/arm64")
    pythons: tuple[str, ...] = PYTHONS
    agrees_with: str | None = None
    uv: str

    @property
    def path(self) -> Path:
        """Where the lock lies in the repository."""
        return FOLDER / f"{self.name}.txt"

    @property
    def digest(self) -> str:
        """SHA-256 of all this, which the lock's first line repeats."""
        document = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(document.encode()).hexdigest()

    @property
    def header(self) -> str:
        """First lines of the lock."""
        return (
            f"# Made by `make locks` from pyproject.toml and deploy/images.toml.\n"
            f"# inputs: sha256:{self.digest}\n"
        )


def lock_inputs(root: Path) -> tuple[LockInputs, ...]:
    """Return what all locks are made from, in an order that respects agreement."""
    contract = load_contract(root)
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    uv = _pinned_uv(project)
    common = (
        *project["project"]["dependencies"],
        *project["dependency-groups"]["image"],
    )
    more = {"dev": tuple(project["dependency-groups"]["image-dev"])}
    # What the backend runs with decides for all; what serves one platform comes last.
    images = sorted(
        contract.images,
        key=lambda image: (image.accelerator != "none", -len(image.platforms)),
    )
    locks = [
        LockInputs(
            name="build",
            requirements=(f"uv=={uv}", EDITABLE, *project["build-system"]["requires"]),
            uv=uv,
        ),
        # What decides whether an image is published is pinned as the image is.
        LockInputs(
            name="verify",
            requirements=tuple(project["dependency-groups"]["verify"]),
            # Both come into one environment.
            agrees_with="build",
            uv=uv,
        ),
    ]
    for image in images:
        locks.append(
            LockInputs(
                name=Path(image.lock).stem,
                requirements=(*common, *more.get(image.key, ())),
                platforms=image.platforms,
                agrees_with=None if image is images[0] else locks[-1].name,
                uv=uv,
                **_torch(contract, image.accelerator),
            )
        )
    return tuple(locks)


def torch_inputs(root: Path) -> tuple[LockInputs, ...]:
    """Return what the locks of torch itself are made from, one per accelerator."""
    contract = load_contract(root)
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    found = []
    for torch in ("cpu", "cuda"):
        platforms = {
            platform
            for image in contract.images
            if image.accelerator == torch
            for platform in image.platforms
        }
        found.append(
            LockInputs(
                name=f"torch-{torch}",
                requirements=(f"torch=={contract.torch_release}",),
                platforms=tuple(sorted(platforms)),
                uv=_pinned_uv(project),
                **_torch(contract, torch),
            )
        )
    return tuple(found)


def _torch(contract: Contract, torch: str) -> dict[str, Any]:
    if torch not in contract.torch_builds:
        return {}
    build = contract.torch_builds[torch]
    return {
        "torch": torch,
        "torch_release": contract.torch_release,
        "torch_build": build,
    }


def _pinned_uv(project: dict[str, Any]) -> str:
    # Beside requirements a group may hold tables that include another group.
    lines = map(str, project["dependency-groups"]["images"])
    return next(line for line in lines if line.startswith("uv==")).removeprefix("uv==")
