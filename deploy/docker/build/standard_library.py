"""Compile the modules of the standard library that runs import.

Usage: ``python standard_library.py`` where ``/out`` is what ``bytecode.py`` made.

For images on the whole slim image, which brings a standard library without bytecode.
"""

from pathlib import Path

from bytecode import STANDARD_LIBRARY, compile_file


def compile_standard_library(root: Path) -> None:
    """Compile what the root holds of the modules that runs imported."""
    for name in STANDARD_LIBRARY.read_text().splitlines():
        source = root / name.removeprefix("/")
        if source.is_file():
            compile_file(source, name)


if __name__ == "__main__":
    compile_standard_library(Path("/"))
