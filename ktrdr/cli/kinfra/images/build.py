"""Build the images, or push them by digest; what weighs too much is no success."""

import json
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ktrdr.build_info import build_info
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.cli.kinfra.images.recipe import Recipe
from ktrdr.errors import InputError, RunError

_PLATFORMS = {"x86_64": "linux/amd64", "aarch64": "linux/arm64", "arm64": "linux/arm64"}
_DIGEST = "containerimage.digest"


class OverBudgetError(RunError):
    """An image weighs more than the table allows it."""


@dataclass(frozen=True, kw_only=True)
class Built:
    """An image that was built here.

    Attributes
    ----------
    key : str
        What the table calls it.
    references : tuple of str
        Names that it got.
    python : str
        Release of Python in it.
    size_mb : float
        On disk, in MB.
    budget_mb : int or None
        Most that it may weigh; None if nothing limits it.
    """

    key: str
    references: tuple[str, ...]
    python: str
    size_mb: float
    budget_mb: int | None


@dataclass(frozen=True, kw_only=True)
class Push:
    """Where to push an image, and what is kept of its build.

    Attributes
    ----------
    repository : str
        Such as ``ghcr.io/owner/ktrdr-backend``.
    cache_from, cache_to : tuple of str
        As ``docker buildx build`` takes them.
    metadata : Path or None
        File that gets buildx's own report.
    """

    repository: str
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    metadata: Path | None = None


def own_platform() -> str:
    """Return the platform of this machine's containers.

    Raises
    ------
    InputError
        If there are no images for it.
    """
    machine = platform.machine().lower().replace("amd64", "x86_64")
    if machine not in _PLATFORMS:
        raise InputError(
            f"there are no images for a {machine} machine: name one of "
            f"{' and '.join(sorted(set(_PLATFORMS.values())))} with --platform"
        )
    return _PLATFORMS[machine]


def source_identity(root: Path) -> dict[str, str]:
    """Return the build arguments that tell which source it is.

    The time is the commit's, so that a commit gives the same image at any time.
    """
    identity = {"COMMIT": build_info().commit}
    command = ["git", "-C", str(root), "log", "-1", "--format=%ct"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return identity
    time = done.stdout.strip()
    return {**identity, "SOURCE_DATE_EPOCH": time} if time else identity


def build_image(
    engine: Engine, recipe: Recipe, root: Path, tags: Sequence[str] = ()
) -> Built:
    """Build an image and name it, unless it weighs too much.

    Raises
    ------
    OverBudgetError
        If it weighs more than its budget. It has no name then, and the names stay
        with what had them.
    EngineError
        If the build fails.
    """
    identifier = _build(engine, recipe, root)
    size_mb = engine.size_bytes(identifier) / 1e6
    budget_mb = recipe.budget_mb
    if budget_mb is not None and size_mb > budget_mb:
        raise OverBudgetError(
            f"{recipe.image.key} weighs {size_mb:.1f} MB and its budget is "
            f"{budget_mb} MB: make it smaller, or justify a larger budget in the "
            f"table; it stays without a tag as {identifier}"
        )
    references = tuple(tags) or recipe.references
    for reference in references:
        engine.run("tag", identifier, reference)
    return Built(
        key=recipe.image.key,
        references=references,
        python=recipe.arguments["PYTHON_VERSION"],
        size_mb=round(size_mb, 1),
        budget_mb=budget_mb,
    )


def _build(engine: Engine, recipe: Recipe, root: Path) -> str:
    with TemporaryDirectory() as folder:
        written = Path(folder) / "image"
        options = [*recipe.options, "--iidfile", str(written)]
        if engine.name == "docker":
            command = ["buildx", "build", "--load", "--progress", "plain"]
        else:
            # Podman's own format has no place for a health check.
            command = ["build", "--format", "docker"]
        engine.stream(*command, *options, ".", folder=root)
        return written.read_text().strip()


def push_image(engine: Engine, recipe: Recipe, root: Path, push: Push) -> str:
    """Build an image and push it without a tag; return its reference by digest.

    Raises
    ------
    InputError
        If the engine is not docker, whose buildx alone can do this.
    EngineError
        If building or pushing fails.
    """
    if engine.name != "docker":
        raise InputError("only docker pushes by digest: leave out --engine podman")
    with TemporaryDirectory() as folder:
        metadata = push.metadata or Path(folder) / "metadata.json"
        options = [*recipe.options, *_push_options(push)]
        options += ["--metadata-file", str(metadata.absolute()), "."]
        engine.stream("buildx", "build", "--progress", "plain", *options, folder=root)
        digest = json.loads(metadata.read_text("utf-8"))[_DIGEST]
    return f"{push.repository}@{digest}"


def _push_options(push: Push) -> list[str]:
    output = {
        "type": "image",
        "name": push.repository,
        "push": "true",
        "push-by-digest": "true",
        "name-canonical": "true",
        "oci-mediatypes": "true",
        # Smaller to pull than gzip, and faster to unpack.
        "compression": "zstd",
        "force-compression": "true",
        "rewrite-timestamp": "true",
    }
    joined = ",".join(f"{name}={value}" for name, value in output.items())
    options = ["--output", joined, "--provenance", "mode=max"]
    options += [f"--cache-from={one}" for one in push.cache_from]
    return options + [f"--cache-to={one}" for one in push.cache_to]
