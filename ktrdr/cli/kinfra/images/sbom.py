"""What an image is made of, as an SPDX document made by syft."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.cli.kinfra.images.references import Found
from ktrdr.errors import InputError, RunError

_TIMEOUT_S = 900.0
_KINDS = {"pypi": "Python", "deb": "Debian"}


@dataclass(frozen=True, kw_only=True)
class Sbom:
    """The bill of an image's materials.

    Attributes
    ----------
    key, reference : str
    path : Path
        Where the document is.
    packages : dict of str to int
        Kind of package to how many there are.
    """

    key: str
    reference: str
    path: Path
    packages: dict[str, int]


def write_sbom(engine: Engine, found: Found, folder: Path) -> Sbom:
    """Write an image's bill of materials into ``folder``.

    Raises
    ------
    InputError
        If there is no syft.
    RunError
        If syft fails, or finds no package of Python or none of the system: then it
        could not read the image, and the document would hide what is in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    slim = "-slim" if found.is_slim else ""
    path = folder / f"{found.image.key}{slim}.spdx.json"
    with _source(engine, found.reference) as source:
        _scan(source, found, path)
    counts = count_packages(json.loads(path.read_text("utf-8")))
    missing = [kind for kind, count in counts.items() if not count]
    if missing:
        raise RunError(
            f"{path} names no {' and no '.join(missing)} package of {found.reference}: "
            "the image lacks the records by which scanners know them"
        )
    return Sbom(
        key=found.image.key, reference=found.reference, path=path, packages=counts
    )


def count_packages(document: dict[str, object]) -> dict[str, int]:
    """Return how many packages of each kind an SPDX document names."""
    packages = document["packages"]
    purls = [
        str(one["referenceLocator"])
        for package in (packages if isinstance(packages, list) else [])
        for one in package.get("externalRefs", [])
        if one["referenceType"] == "purl"
    ]
    return {
        name: sum(purl.startswith(f"pkg:{kind}/") for purl in purls)
        for kind, name in _KINDS.items()
    }


@contextmanager
def _source(engine: Engine, reference: str) -> Iterator[str]:
    """Lend what syft reads the image from."""
    if engine.name == "docker":
        yield f"docker:{reference}"
        return
    # Podman answers syft only where its service runs, which it needs for nothing else.
    with TemporaryDirectory() as folder:
        archive = str(Path(folder) / "image.tar")
        save = ("save", "--format=docker-archive", f"--output={archive}", reference)
        engine.run(*save, timeout_s=_TIMEOUT_S)
        yield f"docker-archive:{archive}"


def _scan(source: str, found: Found, path: Path) -> None:
    command = [_syft(), "scan", source, "--quiet", "--output", f"spdx-json={path}"]
    command += ["--source-name", found.image.name]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        env={**os.environ, "SYFT_CHECK_FOR_APP_UPDATE": "false"},
    )
    if done.returncode:
        why = (done.stderr or done.stdout).strip()[-600:]
        raise RunError(f"syft could not read {source} (exit {done.returncode}): {why}")


def _syft() -> str:
    # Beside the interpreter first: an environment need not be on PATH.
    folders = os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    )
    found = shutil.which("syft", path=folders)
    if found is None:
        raise InputError(
            "syft is not installed, and it makes the document: install the dependency "
            "group `images` of pyproject.toml"
        )
    return found
