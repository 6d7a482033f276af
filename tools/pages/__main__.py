"""Write the pages, or tell which differ from what the code makes of them.

Usage: ``python -m tools.pages [--check]``
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ktrdr.cli.kinfra.main import app as kinfra
from ktrdr.cli.main import app as ktrdr
from tools.pages.api_page import api_page
from tools.pages.command_page import command_page
from tools.pages.strategy_page import strategy_page

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
PAGES: dict[str, Callable[[], str]] = {
    "strategy.md": strategy_page,
    "ktrdr.md": lambda: command_page("ktrdr", ktrdr),
    "kinfra.md": lambda: command_page("kinfra", kinfra),
    "api.md": api_page,
}


def main(arguments: Sequence[str]) -> int:
    """Write or check all pages and return the exit code."""
    parser = argparse.ArgumentParser(prog="pages", description=__doc__)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    changed = {name: text for name, text in made().items() if _read(name) != text}
    if options.check:
        for name in changed:
            sys.stderr.write(f"Error: docs/reference/{name}: run `make pages`\n")
        return 1 if changed else 0
    for name, text in changed.items():
        (FOLDER / name).write_text(text, "utf-8")
        print(f"wrote docs/reference/{name}")
    return 0


def made() -> dict[str, str]:
    """Return each page as the code makes it, by the name of its file."""
    return {name: make() for name, make in PAGES.items()}


def _read(name: str) -> str | None:
    path = FOLDER / name
    return path.read_text("utf-8") if path.is_file() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
