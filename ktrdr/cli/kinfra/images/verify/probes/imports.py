"""Import what must be there, and see who asks for what must not be."""

import importlib
import json
import os
import pkgutil
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from types import FrameType


class _Listener:
    """Hears of every import that no module answered yet, and answers none itself."""

    def __init__(self, unwanted: Sequence[str]) -> None:
        self._unwanted = frozenset(unwanted)
        self.heard: set[str] = set()

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] in self._unwanted:
            who = _importer(sys._getframe(1))
            # A library may look whether another is there; ktrdr may not.
            if who.partition(".")[0] == "ktrdr":
                self.heard.add(f"{name} (by {who})")


def _importer(frame: FrameType | None) -> str:
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if not name.startswith(("importlib", "_frozen_importlib")):
            return name
        frame = frame.f_back
    return ""


def _modules(package: str, folder: str, without: Sequence[str]) -> list[str]:
    found = []
    # Not by walk_packages, which imports what it walks through.
    for one in pkgutil.iter_modules([folder], f"{package}."):
        if one.name in without or one.name.endswith(".__main__"):
            continue
        found.append(one.name)
        if one.ispkg:
            inner = os.path.join(folder, one.name.rpartition(".")[2])
            found += _modules(one.name, inner, without)
    return found


def _failures(modules: Sequence[str]) -> dict[str, str]:
    failed = {}
    for name in modules:
        try:
            importlib.import_module(name)
        # A module may raise anything while it is imported, and all of it is told.
        except BaseException as error:
            failed[name] = f"{type(error).__name__}: {error}"
    return failed


def _report(
    wanted: Sequence[str], unwanted: Sequence[str], package: str, without: Sequence[str]
) -> dict[str, object]:
    present = [name for name in unwanted if find_spec(name) is not None]
    listener = _Listener(unwanted)
    sys.meta_path.insert(0, listener)
    spec = find_spec(package)
    folders = (spec.submodule_search_locations or ()) if spec else ()
    modules = [*wanted]
    for folder in folders:
        modules += _modules(package, folder, without)
    failed = _failures(modules)
    return {
        "failed": failed,
        "present": present,
        "reached": sorted(listener.heard),
        "n_imported": len(set(modules)) - len(failed),
    }


if __name__ == "__main__":
    print(json.dumps(_report(**json.loads(sys.argv[1]))))
