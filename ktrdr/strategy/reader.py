"""YAML text to a bounded tree of plain values that remember their lines.

Built from parser events, so that nothing is constructed that was not asked for:
no tags, no anchors and aliases, no merge keys, no second document, no key twice.
The pure Python parser is used everywhere, so that the same file gets the same
answer everywhere; the bounds keep it to a few seconds in the worst case.
"""

import re
from typing import Protocol, cast

import yaml
from yaml import events

from ktrdr.errors import Problem
from ktrdr.strategy.scalars import ScalarError, resolve
from ktrdr.strategy.tree import Node, Path, path_text, shorten

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_NODES = 20_000
MAX_PROBLEMS = 100

# Control characters, half surrogates, signs that reverse the direction of what
# follows, line ends that editors don't show, and a byte order mark inside the text.
_UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe"
    "\uff00-\ufffd\U00010000-\U0010ffff]"
)


def read_tree(text: str) -> tuple[Node | None, list[Problem]]:
    """Return the tree of ``text`` and what is wrong with it as YAML.

    The tree is None if the text could not be read to its end.
    """
    text = text.removeprefix("\ufeff")
    reader = _Reader()
    try:
        _check_text(text)
        return reader.read(text), reader.problems
    except _Unreadable as error:
        return None, [*reader.problems, error.problem]


class _Unreadable(Exception):
    """The rest of the file can't be read."""

    def __init__(self, line: int | None, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.problem = Problem(path="", line=line, message=message, hint=hint)


class _Parser(Protocol):
    # What is used of the YAML parser.
    line: int

    def get_event(self) -> events.Event: ...

    def dispose(self) -> None: ...


def _check_text(text: str) -> None:
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise _Unreadable(None, f"found {size:,} bytes, expected at most {MAX_BYTES:,}")
    found = _UNPRINTABLE.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        hint = "save the file as UTF-8 text"
        raise _Unreadable(line, _unprintable(found), hint)


def _unprintable(found: re.Match[str]) -> str:
    return f"found the character U+{ord(found[0]):04X}, expected plain text"


class _Reader:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._n_nodes = 0

    def read(self, text: str) -> Node:
        self._parser = cast(_Parser, yaml.SafeLoader(text))
        try:
            return self._document()
        finally:
            self._parser.dispose()

    def _document(self) -> Node:
        self._next()
        start = self._next()
        if not isinstance(start, events.DocumentStartEvent):
            raise _Unreadable(None, "the file holds no values")
        if start.version or start.tags:
            self._report((), start, "found a YAML directive", "remove the % line")
        root = self._node((), self._next(), _line(start))
        self._next()
        after = self._next()
        if not isinstance(after, events.StreamEndEvent):
            message = "found a second document, expected one strategy a file"
            raise _Unreadable(_line(after), message, "put it into a file of its own")
        return root

    def _node(self, path: Path, event: events.Event, line: int) -> Node:
        self._n_nodes += 1
        if self._n_nodes > MAX_NODES:
            raise _Unreadable(_line(event), f"expected at most {MAX_NODES:,} values")
        if isinstance(event, events.ScalarEvent):
            return self._scalar(path, event, line)
        if isinstance(event, events.CollectionStartEvent):
            return self._collection(path, event, line)
        self._report(path, event, "found an alias", "write the values out")
        return Node(line, is_broken=True)

    def _collection(
        self, path: Path, event: events.CollectionStartEvent, line: int
    ) -> Node:
        is_broken = self._has_anchor_or_tag(path, event)
        if len(path) >= MAX_DEPTH:
            raise _Unreadable(_line(event), f"expected at most {MAX_DEPTH} levels")
        if isinstance(event, events.SequenceStartEvent):
            return Node(line, self._items(path), is_broken)
        return Node(line, self._entries(path), is_broken)

    def _items(self, path: Path) -> list[Node]:
        items: list[Node] = []
        while not isinstance(event := self._next(), events.SequenceEndEvent):
            items.append(self._node((*path, len(items)), event, _line(event)))
        return items

    def _entries(self, path: Path) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        while not isinstance(event := self._next(), events.MappingEndEvent):
            key = self._key(path, event)
            node = self._node((*path, key or "?"), self._next(), _line(event))
            if key in entries:
                message = f"found the key twice, first in line {entries[key].line}"
                self._report((*path, key), event, message, "keep one of them")
            elif key is not None:
                entries[key] = node
        return entries

    def _key(self, path: Path, event: events.Event) -> str | None:
        # None if it can't be used as a key, which is then reported.
        n_before = len(self.problems)
        node = self._node((*path, "?"), event, _line(event))
        if node.content == "<<":
            self._report(path, event, "found a merge key <<", "write the keys out")
        elif isinstance(node.content, dict | list):
            self._report(path, event, "found a key that is not text", None)
        elif not isinstance(node.content, str) and not node.is_broken:
            written = getattr(event, "value", "")
            message = f"found a key that is not text: {shorten(written) or 'none'}"
            self._report(path, event, message, "put it in quotes")
        return None if len(self.problems) > n_before else str(node.content)

    def _scalar(self, path: Path, event: events.ScalarEvent, line: int) -> Node:
        is_broken = self._has_anchor_or_tag(path, event)
        found = _UNPRINTABLE.search(event.value)
        if found:
            self._report(path, event, _unprintable(found), None)
            return Node(line, is_broken=True)
        is_quoted = not event.implicit[0]
        if is_broken or is_quoted:
            return Node(line, event.value, is_broken)
        try:
            return Node(line, resolve(event.value))
        except ScalarError as error:
            self._report(path, event, str(error), None)
            return Node(line, is_broken=True)

    def _has_anchor_or_tag(
        self, path: Path, event: events.ScalarEvent | events.CollectionStartEvent
    ) -> bool:
        if event.anchor is not None:
            message = f"found the anchor &{shorten(event.anchor)}"
            self._report(path, event, message, "remove it and write the values out")
        if event.tag is not None:
            message = f"found the tag {shorten(event.tag)}"
            self._report(path, event, message, "remove it; quotes make anything text")
        return event.anchor is not None or event.tag is not None

    def _report(
        self, path: Path, event: events.Event, message: str, hint: str | None
    ) -> None:
        if len(self.problems) >= MAX_PROBLEMS:
            message = f"found {MAX_PROBLEMS} problems and read no further"
            raise _Unreadable(_line(event), message)
        where = path_text(path)
        problem = Problem(path=where, line=_line(event), message=message, hint=hint)
        self.problems.append(problem)

    def _next(self) -> events.Event:
        try:
            return self._parser.get_event()
        except yaml.MarkedYAMLError as error:
            raise _syntax_error(error) from None
        except (yaml.YAMLError, ValueError, OverflowError):
            # The parser lets errors of int() and chr() through, for directives and
            # escapes with impossible numbers.
            message = "found a directive or an escape with an impossible number"
            raise _Unreadable(self._parser.line + 1, message) from None


def _line(event: events.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _syntax_error(error: yaml.MarkedYAMLError) -> _Unreadable:
    mark = error.problem_mark or error.context_mark
    words = [shorten(str(part), 120) for part in (error.context, error.problem) if part]
    return _Unreadable(
        mark.line + 1 if mark else None,
        "not valid YAML: " + ", ".join(words),
        _syntax_hint(str(error.problem)),
    )


def _syntax_hint(problem: str) -> str | None:
    if "'\\t'" in problem:
        return "indent with spaces, not with tabs"
    if "mapping values are not allowed" in problem:
        return "put text that holds ': ' in quotes and check the indentation"
    return None
