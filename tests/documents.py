"""The commands that the documents show, and where they are run."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# A block is run by tests/e2e, unless the line before it tells what it needs.
_BLOCK = re.compile(r"(?:<!-- Needs (.*?)\. -->\n)?```bash\n(.*?)```", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Block:
    """Commands that stand together on a page.

    Attributes
    ----------
    needs : str or None
        What keeps tests/e2e from running them.
    """

    page: Path
    needs: str | None
    text: str

    @property
    def commands(self) -> list[str]:
        """The commands, without comments, long ones in one line."""
        lines = self.text.replace("\\\n", " ").splitlines()
        shown = (" ".join(shlex.split(line, comments=True)) for line in lines)
        return [line for line, plain in zip(lines, shown, strict=True) if plain]


def name_of(page: Path) -> str:
    """Return the path of a page in the repository."""
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> list[Block]:
    """Return the blocks of commands of a page, in their order."""
    return [
        Block(page=page, needs=needs or None, text=text)
        for needs, text in _BLOCK.findall(page.read_text(encoding="utf-8"))
    ]


def words(command: str) -> list[str]:
    """Return a command's words, without its comment."""
    return shlex.split(command, comments=True)
