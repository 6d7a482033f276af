"""Compile the modules that runs import, and only those.

Usage: ``python bytecode.py [--train]``

Bytecode of everything would add a quarter to the environment; of what runs import it
is small, and containers start in a third of the time. ktrdr runs once here, with a
folder of its own for bytecode, in which every module that any of the processes
imported leaves its name.
"""

import argparse
import os
import py_compile
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from install import ENVIRONMENT

RECORD = Path("/build/pycache")
HOME = Path("/build/home")
# Modules of the standard library, which other stages compile: it is not copied there.
STANDARD_LIBRARY = Path("/out/standard-library.txt")
_DEMO = (
    ("data", "sample"),
    ("train", "momentum"),
    ("backtest", "momentum@1"),
    ("report", "latest"),
)


def main() -> None:
    """Run ktrdr, then compile what it imported."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", action="store_true")
    given = parser.parse_args()
    run("python", Path(__file__).with_name("import_all.py"))
    if given.train:
        for arguments in _DEMO:
            run("ktrdr", *arguments)
    compile_modules(sorted(imported()))


def run(program: str, *arguments: str | Path) -> None:
    """Run a program of the environment so that its imports are recorded."""
    environment = {
        **os.environ,
        "PYTHONPYCACHEPREFIX": str(RECORD),
        "PYTHONDONTWRITEBYTECODE": "",
        "KTRDR_HOME": str(HOME),
    }
    command = [ENVIRONMENT / "bin" / program, *arguments]
    subprocess.run(command, check=True, env=environment, cwd="/build")


def imported() -> Iterator[Path]:
    """Yield the source of every module that left bytecode in the record."""
    suffix = f".{sys.implementation.cache_tag}.pyc"
    for path in RECORD.rglob(f"*{suffix}"):
        original = Path("/") / path.relative_to(RECORD)
        source = original.with_name(original.name.removesuffix(suffix) + ".py")
        if source.is_file():
            yield source


def compile_modules(modules: list[Path]) -> None:
    """Compile those of the environment, and list the others for later stages."""
    others = []
    for path in modules:
        if path.is_relative_to(ENVIRONMENT):
            compile_file(path, str(path))
        else:
            others.append(f"{path}\n")
    STANDARD_LIBRARY.parent.mkdir(exist_ok=True)
    STANDARD_LIBRARY.write_text("".join(others))


def compile_file(source: Path, shown: str) -> None:
    """Compile one file, as which tracebacks show ``shown``.

    Unchecked, as nothing changes in an image: no time of a file is recorded, which
    would differ from build to build, and none is looked up at the start.
    """
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(source), dfile=shown, doraise=True, invalidation_mode=mode)


if __name__ == "__main__":
    main()
