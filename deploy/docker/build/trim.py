"""Take from the environment what no run needs, torch aside.

Usage: ``python trim.py``
"""

import shutil
from pathlib import Path

from install import ENVIRONMENT

# Pattern in site-packages, and why no run needs it.
REMOVALS = (
    ("**/*.pyi", "types for checkers"),
    ("**/*.pxd", "declarations for compiling against the package"),
    ("**/*.pyx", "source of what is compiled"),
    ("**/*.[ch]", "source of what is compiled"),
    ("**/*.cpp", "source of what is compiled"),
    ("**/*.hpp", "headers for compiling against the package"),
    ("**/*.a", "static libraries, only linked when compiling"),
    ("numpy/**/tests", "numpy's own tests"),
    ("numpy/f2py", "compiles Fortran, and there is no compiler"),
    ("numpy/_core/include", "headers for compiling against numpy"),
    ("numpy/_core/lib", "libraries for compiling against numpy"),
)


def main() -> None:
    """Remove what the table names and tell how much that was."""
    site_packages = next(ENVIRONMENT.glob("lib/python3*/site-packages"))
    for pattern, reason in REMOVALS:
        size = sum(remove(path) for path in sorted(site_packages.glob(pattern)))
        if size:
            print(f"{size / 1e6:6.1f} MB  {pattern}: {reason}")


def remove(path: Path) -> int:
    """Remove a file or folder and return how many bytes it held."""
    if not path.is_dir():
        size = path.lstat().st_size
        path.unlink()
        return size
    size = sum(one.lstat().st_size for one in path.rglob("*") if one.is_file())
    shutil.rmtree(path)
    return size


if __name__ == "__main__":
    main()
