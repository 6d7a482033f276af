"""Import all of ktrdr and what its functions import later.

Runs in the environment of the image, for ``bytecode.py``. What an image does not
have, such as torch in the backend's, is passed over.
"""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import ktrdr
from ktrdr.errors import MissingExtraError

# Serves a checkout, from outside of images.
_UNUSED = "ktrdr.cli.kinfra"


def main() -> None:
    """Import every module of ktrdr, then every module that any of them names."""
    modules = dict(modules_of(Path(ktrdr.__path__[0])))
    named = {name for path in modules.values() for name in imports(path)}
    missing = [name for name in (*modules, *sorted(named)) if not can_import(name)]
    print("not in this image:", *dict.fromkeys(missing))


def modules_of(package: Path) -> Iterator[tuple[str, Path]]:
    """Yield the name and path of each module of ktrdr that containers may run."""
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        if not name.startswith(_UNUSED) and not name.endswith("__main__"):
            yield name, path


def can_import(name: str) -> bool:
    """Import a module; tell whether it, and all that it needs, is installed."""
    try:
        importlib.import_module(name)
    except (ModuleNotFoundError, MissingExtraError):
        return False
    return True


def imports(path: Path) -> Iterator[str]:
    """Yield what a module imports, inside functions as well."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


if __name__ == "__main__":
    main()
