"""Pieces of a page in Markdown."""

import re
from collections.abc import Iterable, Sequence

NOTE = "<!-- `make pages` writes this page. -->"


def page(title: str, parts: Iterable[str]) -> str:
    """Return a whole page; it says first that nobody should edit it."""
    return "\n\n".join([f"# {title}", NOTE, *(one for one in parts if one)]) + "\n"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table, and nothing when it would have no rows."""
    lines = [_line(row) for row in rows]
    if not lines:
        return ""
    return "\n".join([_line(headings), "|---" * len(headings) + "|", *lines])


def code(value: object) -> str:
    """Return ``value`` as code within a sentence."""
    return f"`{value}`"


def link(text: str, heading: str) -> str:
    """Return a link to a heading of the same page."""
    return f"[{text}](#{slug(heading)})"


def slug(heading: str) -> str:
    """Return the anchor of a heading, as GitHub and MyST make it."""
    words = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return words.replace(" ", "-")


def _line(cells: Sequence[str]) -> str:
    # A line break would end the row, a bar the cell.
    tidy = (" ".join(cell.split()).replace("|", r"\|") for cell in cells)
    return f"| {' | '.join(tidy)} |"
