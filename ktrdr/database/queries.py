"""SQL statements that have names, kept in files beside the code that runs them.

::

    -- claim: Begin an attempt.
    -- More of the same comment.
    UPDATE ...

    -- next_one: ...
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import LiteralString, cast

# A header stands at the top or after an empty line, so that comments inside a
# statement may hold colons.
_HEADER = re.compile(r"(?:\A|(?<=\n\n))-- ([a-z][a-z0-9_]*): \S.*\n")


class NamedQueries(Mapping[str, LiteralString]):
    """The statements of one file, by name."""

    def __init__(self, text: str, source: str = "queries") -> None:
        lines = (line.rstrip() for line in text.strip().splitlines())
        found = _HEADER.split("\n".join(lines) + "\n")
        lead, names, statements = found[0], found[1::2], found[2::2]
        if not _is_comment(lead):
            raise ValueError(f"{source}: a statement stands before the first name")
        repeated = {name for name in names if names.count(name) > 1}
        if repeated:
            raise ValueError(f"{source}: named twice: {', '.join(sorted(repeated))}")
        empty = [n for n, s in zip(names, statements, strict=True) if _is_comment(s)]
        if empty:
            raise ValueError(f"{source}: without statement: {', '.join(empty)}")
        self._source = source
        self._statements = {
            name: statement.strip().removesuffix(";")
            for name, statement in zip(names, statements, strict=True)
        }

    def __getitem__(self, name: str) -> LiteralString:
        try:
            # Safe as if it stood in the code: the file is part of the program.
            return cast("LiteralString", self._statements[name])
        except KeyError:
            raise KeyError(f"{self._source} has no statement named {name}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._statements)

    def __len__(self) -> int:
        return len(self._statements)


@cache
def load_queries(package: str, *path: str) -> NamedQueries:
    """Return the statements of a file such as ``ktrdr.operations``, ``sql/x.sql``."""
    text = files(package).joinpath(*path).read_text("utf-8")
    return NamedQueries(text, source=f"{package} {'/'.join(path)}")


def _is_comment(text: str) -> bool:
    lines = (line.strip() for line in text.splitlines())
    return all(not line or line.startswith("--") for line in lines)
