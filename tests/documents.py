"""The commands that the documents show, and where they are run."""

import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# A block is run by tests/pages, unless the line before it tells what it needs.
_BLOCK = re.compile(r"(?:<!-- Needs (.*?)\. -->\n)?```bash\n(.*?)```", re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Block:
    """Commands that stand together on a page.

    Attributes
    ----------
    heading : str
        Of the section that they stand in.
    needs : str or None
        What keeps tests/pages from running them.
    """

    page: Path
    heading: str
    needs: str | None
    text: str

    @property
    def commands(self) -> list[str]:
        """The commands, without comments, long ones in one line."""
        lines = self.text.replace("\\\n", " ").splitlines()
        shown = (" ".join(shlex.split(line, comments=True)) for line in lines)
        return [line for line, plain in zip(lines, shown, strict=True) if plain]

    @property
    def statements(self) -> list[str]:
        """The commands as a shell takes them: a loop is one."""
        found: list[str] = []
        waiting: list[str] = []
        for line in self.commands:
            waiting.append(line)
            if _is_whole("\n".join(waiting)):
                found.append("\n".join(waiting))
                waiting = []
        assert not waiting, f"{name_of(self.page)} ends within {waiting}"
        return found


def name_of(page: Path) -> str:
    """Return the path of a page in the repository."""
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> list[Block]:
    """Return the blocks of commands of a page, in their order."""
    text = page.read_text(encoding="utf-8")
    outside = re.sub(r"```.*?```", lambda match: " " * len(match[0]), text, flags=re.S)
    headings = [(match.start(), match[1]) for match in _HEADING.finditer(outside)]
    return [
        Block(
            page=page,
            heading=[title for at, title in headings if at < match.start()][-1],
            needs=match[1],
            text=match[2],
        )
        for match in _BLOCK.finditer(text)
    ]


def section(page: str, heading: str) -> list[Block]:
    """Return the blocks below a heading of a page, in their order."""
    found = [one for one in blocks(ROOT / page) if one.heading == heading]
    assert found, f"{page} shows no commands below {heading!r}"
    return found


def words(command: str) -> list[str]:
    """Return a command's words, without its comment."""
    return shlex.split(command, comments=True)


def _is_whole(text: str) -> bool:
    """Tell whether a shell would run it, instead of waiting for more."""
    done = subprocess.run(["bash", "-n", "-c", text], capture_output=True)
    return done.returncode == 0
