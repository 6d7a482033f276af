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
from collections.abc import Iterable, Mapping
from pathlib import Path

from ktrdr.errors import InputError
from tools.lock_inputs import LockInputs

TABLE = Path("deploy/locks/torch-wheels.toml")
INDEX = "https://download.pytorch.org/whl"
INDEX_TIMEOUT_S = 10.0
Table = dict[str, dict[str, str]]
MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
_LINK = re.compile(r'href="[^"]*?/([^"/#]+\.whl)#sha256=([0-9a-f]{64})')
_HEADER = """\
# SHA-256 of each file of torch that the images may install, by PyTorch's build.
# `make locks` adds what PyTorch's index tells and refuses when the two disagree. A file
# that the index lists without hash is entered here by hand, with its published hash.
"""


def torch_locks(
    root: Path, inputs: Iterable[LockInputs], default: list[str]
) -> dict[Path, str]:
    """Return the locks of torch itself, and the table of hashes that they come from.

    Parameters
    ----------
    root : Path
    inputs : iterable of LockInputs
    default : list of str
        Hashes of the default index's CUDA build, if it may serve.
    """
    table = read_table(root)
    locks = {}
    for one in inputs:
        build = str(one.torch_build)
        names = wheel_names(str(one.torch_release), build, one.pythons, one.platforms)
        told = index_hashes(build)
        _say_uncompared(build, names, told)
        found = wheel_hashes(table.get(build, {}), told or {}, names)
        table[build] = found
        more = default if one.torch == "cuda" else []
        hashes = {*(f"sha256:{digest}" for digest in found.values()), *more}
        locks[one.path] = torch_lock(one, hashes)
    return {**locks, TABLE: table_text(table)}


def torch_lock(one: LockInputs, hashes: Iterable[str]) -> str:
    """Return the lock of torch itself: one release, the hashes of one build."""
    lines = [f"{one.requirements[0]} ; sys_platform == 'linux'"]
    lines += [f"    --hash={digest}" for digest in sorted(hashes)]
    return one.header + " \\\n".join(lines) + "\n"


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


def read_table(root: Path) -> Table:
    """Return the table of a checkout: SHA-256 by file, by PyTorch's build."""
    return tomllib.loads((root / TABLE).read_text("utf-8"))


def table_text(table: Table) -> str:
    """Return the table as the file that keeps it."""
    parts = [_HEADER]
    for build, files in sorted(table.items()):
        parts.append(f"\n[{build}]\n")
        parts.extend(f'"{name}" = "{digest}"\n' for name, digest in files.items())
    return "".join(parts)


def wheel_hashes(
    kept: Mapping[str, str], told: Mapping[str, str], names: Iterable[str]
) -> dict[str, str]:
    """Return the SHA-256 of each named file.

    Parameters
    ----------
    kept, told : mapping of str to str
        What the table and PyTorch's index say.
    names : iterable of str

    Raises
    ------
    InputError
        If neither has the hash of a file, or if they differ.
    """
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
            f"neither PyTorch's index nor {TABLE} tells the SHA-256 of "
            f"{', '.join(lacking)}: run this where that index can be reached, or "
            "enter the published hash in the table"
        )
    return {name: known[name] for name in names}


def index_hashes(build: str) -> dict[str, str] | None:
    """Return the hash of each file of torch in PyTorch's index, None if out of reach.

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
        return None


def page_hashes(page: str) -> dict[str, str]:
    """Return the hash of each file that a page of a package index links with one."""
    links = _LINK.findall(html.unescape(page))
    return {urllib.parse.unquote(name): digest for name, digest in links}


def _say_uncompared(build: str, names: list[str], told: dict[str, str] | None) -> None:
    lacking = [name for name in names if name not in (told or {})]
    if lacking:
        why = "was not reached" if told is None else "lists them without a hash"
        print(
            f"not compared: the hashes of {len(lacking)} of {len(names)} files of "
            f"torch+{build}, as {INDEX}/{build} {why}"
        )
