"""What a built image weighs, and where the weight lies."""

import json
from dataclasses import dataclass
from pathlib import Path

from ktrdr.cli.kinfra.images import package_probe
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.cli.kinfra.images.layers import read_layers
from ktrdr.cli.kinfra.images.references import Found

_PYTHON = "/app/.venv/bin/python"


@dataclass(frozen=True, kw_only=True)
class Package:
    """One Python package of an image.

    Attributes
    ----------
    name, version : str
    size_mb : float
        Of its files and their bytecode.
    """

    name: str
    version: str
    size_mb: float


@dataclass(frozen=True, kw_only=True)
class Weight:
    """What one image weighs.

    Attributes
    ----------
    key, reference : str
    size_mb : float
        In the files of all layers.
    budget_mb : int
    pull_mb : float
        All layers compressed with zstd.
    pull_budget_mb : int or None
    seeds_mb : int
        What the project's first version weighed.
    n_layers : int
    efficiency : float
        Share of the layers' bytes that a container sees.
    packages : tuple of Package
        The largest first.
    """

    key: str
    reference: str
    size_mb: float
    budget_mb: int
    pull_mb: float
    pull_budget_mb: int | None
    seeds_mb: int
    n_layers: int
    efficiency: float
    packages: tuple[Package, ...]

    @property
    def excess(self) -> str | None:
        """How much it weighs beyond its budgets, None if it keeps to them."""
        limits = [
            ("on disk", self.size_mb, self.budget_mb),
            ("to pull", self.pull_mb, self.pull_budget_mb),
        ]
        told = [
            f"{size:,.1f} MB {what}, of {limit:,}"
            for what, size, limit in limits
            if limit is not None and size > limit
        ]
        return " and ".join(told) or None


def weigh(engine: Engine, found: Found) -> Weight:
    """Return what an image weighs.

    Raises
    ------
    EngineError
        If the image is not there, or can't be started or read.
    """
    image, reference = found.image, found.reference
    layers = read_layers(engine, reference)
    return Weight(
        key=image.key,
        reference=reference,
        # What `Engine.size_bytes` tells too; the archive is here already.
        size_mb=round(layers.total_bytes / 1e6, 1),
        budget_mb=found.budget_mb,
        pull_mb=round(layers.pull_bytes / 1e6, 1),
        pull_budget_mb=image.pull_budget_mb,
        seeds_mb=image.seeds_mb,
        n_layers=layers.count,
        efficiency=round(layers.efficiency, 4),
        packages=packages(engine, reference),
    )


def packages(engine: Engine, reference: str) -> tuple[Package, ...]:
    """Return the Python packages of an image, the largest first.

    Raises
    ------
    EngineError
        If the image can't be started.
    """
    source = Path(package_probe.__file__).read_text("utf-8")
    command = ["run", "--rm", "--interactive", "--network", "none"]
    command += ["--entrypoint", _PYTHON, reference, "-I", "-"]
    rows = json.loads(engine.run(*command, stdin=source))
    found = [
        Package(name=name, version=version, size_mb=round(size / 1e6, 1))
        for name, version, size in sorted(rows, key=lambda row: -row[2])
    ]
    return tuple(found)
