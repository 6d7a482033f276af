"""What a class says of itself and of its attributes, from its NumPy docstring."""

import re

_SECTION = re.compile(r"\n\n(\w+)\n-{3,}\n")
_ENTRY = re.compile(r"^(\w[\w, ]*) : .*\n((?:    .*\n?|\n(?=    ))+)", re.MULTILINE)


def split_docstring(docstring: str) -> tuple[str, dict[str, str]]:
    """Return a docstring without its sections, and what it says of attributes."""
    text, *sections = _SECTION.split(docstring)
    by_title = dict(zip(sections[::2], sections[1::2], strict=True))
    meanings = {
        name: _in_a_line(meaning)
        for names, meaning in _ENTRY.findall(by_title.get("Attributes", ""))
        for name in names.split(", ")
    }
    return "\n\n".join(map(_in_a_line, text.split("\n\n"))), meanings


def _in_a_line(text: str) -> str:
    return " ".join(text.replace("``", "`").split())
