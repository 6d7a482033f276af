"""Find the shared libraries that programs need, as the dynamic loader does."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

_MAGIC = b"\x7fELF"
_FOUND = re.compile(r"^\s+(?:\S+ => )?(/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)
_MISSING = re.compile(r"^\s+(\S+) => not found$", re.MULTILINE)
# Loaded by the C library itself when a thread is cancelled; no file names it.
_ALWAYS = "libgcc_s.so.1"


def is_elf(path: Path) -> bool:
    """Tell whether a file is a program or a shared library."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == _MAGIC


def libraries_of(programs: Iterable[Path]) -> set[Path]:
    """Return the libraries that the loader would load for them, directly or not.

    Prints what it does not find: parts of a driver, which come with the machine, or
    what another library brings along when it is loaded first.
    """
    found: set[Path] = set()
    missing: set[str] = set()
    for program in programs:
        done = subprocess.run(
            ["ldd", program], capture_output=True, text=True, check=False
        )
        found |= set(map(Path, _FOUND.findall(done.stdout)))
        missing |= set(_MISSING.findall(done.stdout))
    for name in sorted(missing - {path.name for path in found}):
        print(f"not in the base image: {name}")
    return found | _always()


def _always() -> set[Path]:
    cache = subprocess.run(
        ["ldconfig", "-p"], capture_output=True, text=True, check=True
    )
    paths = re.findall(rf"{re.escape(_ALWAYS)} .*=> (\S+)", cache.stdout)
    return set(map(Path, paths[:1]))
