"""A room is entered through its door: its package lists what others may use."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "ktrdr"
SOURCES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
# Commands are started, not imported.
DOORS = [room for room in ROOMS if room != "cli"]


def imported_modules(source: str) -> Iterator[str]:
    """Yield every module that ``source`` imports from, inside functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where a name comes from"
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def inner_modules_of_others(source: str, room: str) -> list[str]:
    return [
        module
        for module in imported_modules(source)
        if (parts := module.split("."))[0] == "ktrdr"
        and len(parts) > 2
        and parts[1] != room
    ]


@pytest.mark.parametrize(
    "source", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_outsiders_import_from_the_room_itself(source: Path):
    first = source.relative_to(PACKAGE).parts[0]
    # The package started as a program is its command line.
    room = "cli" if first == "__main__.py" else first
    assert inner_modules_of_others(source.read_text("utf-8"), room) == []


def test_an_inner_import_is_recognised_wherever_it_stands():
    inside = "def f():\n    from ktrdr.data.bars import Bars\n"
    assert inner_modules_of_others(inside, "cli") == ["ktrdr.data.bars"]
    assert inner_modules_of_others(inside, "data") == []
    assert inner_modules_of_others("import ktrdr.data.bars", "cli") != []
    assert inner_modules_of_others("from ktrdr.data import Bars", "cli") == []


@pytest.mark.parametrize("room", DOORS)
def test_a_room_says_what_it_is_and_lists_what_it_gives(room: str):
    module = importlib.import_module(f"ktrdr.{room}")
    assert module.__doc__
    missing = [name for name in module.__all__ if not hasattr(module, name)]
    assert missing == []
    assert len(set(module.__all__)) == len(module.__all__) > 0
