"""Which files of torch the images may install, and their SHA-256.

PyTorch's own index serves torch for one accelerator each. It lists some files without
a hash, and not every machine reaches it, so the hashes are kept in a table beside the
locks; where the index answers, they are completed from it and compared with it.
"""

import html
import re
import tomllib
import urllib.parse
import urllib.request
from collections.abc import Iterable
from pathlib import Path

from ktrdr.errors import InputError

TABLE = Path("deploy/locks/torch-wheels.toml")
INDEX = "https://download.pytorch.org/whl"
INDEX_TIMEOUT_S = 10.0
MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
_LINK = re.compile(r'href="[^"]*?/([^"/#]+\.whl)#sha256=([0-9a-f]{64})')
_HEADER = """\
# SHA-256 of each file of torch that the images may install, by PyTorch's build.
# `make locks` adds what PyTorch's index tells and refuses when the two disagree. A file
# that the index lists without hash is entered here by hand, with its published hash.
"""


def wheel_names(
    release: str, build: str, pythons: Iterable[str], platforms: Iterable[str]
) -> list[str]:
    """Return what PyTorch calls the files of one build, for each Python and platform.

    Parameters
    ----------
    release, build : str
        Such as ``2.13.0`` and ``cu130``.
    pythons, platforms : iterable of str
        Such as ``3.13`` and ``linux/arm64``.
    """
    return [
        f"torch-{release}+{build}-{tag}-{tag}-manylinux_2_28_{MACHINES[platform]}.whl"
        for platform in platforms
        for tag in (f"cp{python.replace('.', '')}" for python in pythons)
    ]


def wheel_hashes(root: Path, build: str, names: list[str]) -> dict[str, str]:
    """Return the SHA-256 of each named file, and keep them in the table.

    Raises
    ------
    InputError
        If neither the index nor the table has the hash of a file, or if they differ.
    """
    table = tomllib.loads((root / TABLE).read_text("utf-8"))
    kept: dict[str, str] = table.get(build, {})
    told = index_hashes(build)
    for name in kept.keys() & told.keys():
        if kept[name] != told[name]:
            raise InputError(
                f"PyTorch's index says that {name} has the SHA-256 {told[name]}, "
                f"{TABLE} says {kept[name]}: find out which file was replaced"
            )
    known = {**kept, **told}
    lacking = [name for name in names if name not in known]
    if lacking:
        raise InputError(
            f"neither {INDEX}/{build} nor {TABLE} tells the SHA-256 of "
            f"{', '.join(lacking)}: run this where that index can be reached, or "
            "enter the published hash in the table"
        )
    found = {name: known[name] for name in names}
    _keep(root, {**table, build: found})
    return found


def index_hashes(build: str) -> dict[str, str]:
    """Return the hash of each file of torch in PyTorch's index, empty if out of reach.

    Parameters
    ----------
    build : str
        Such as ``cpu``.
    """
    try:
        with urllib.request.urlopen(
            f"{INDEX}/{build}/torch/", timeout=INDEX_TIMEOUT_S
        ) as answer:
            return page_hashes(answer.read().decode())
    except OSError:
        return {}


def page_hashes(page: str) -> dict[str, str]:
    """Return the hash of each file that a page of a package index links with one."""
    links = _LINK.findall(html.unescape(page))
    return {urllib.parse.unquote(name): digest for name, digest in links}


def _keep(root: Path, table: dict[str, dict[str, str]]) -> None:
    parts = [_HEADER]
    for build, files in sorted(table.items()):
        parts.append(f"\n[{build}]\n")
        parts.extend(f'"{name}" = "{digest}"\n' for name, digest in files.items())
    (root / TABLE).write_text("".join(parts), "utf-8")
