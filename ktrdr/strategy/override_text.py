"""Change single values in a strategy's text; comments and layout stay as they are."""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import cast

import yaml

from ktrdr.errors import Problem
from ktrdr.strategy.names import listed, nearest
from ktrdr.strategy.reader import read_tree
from ktrdr.strategy.scalars import ScalarError, resolve
from ktrdr.strategy.tree import Path, Value, path_text

OverrideValue = bool | int | float | str | None | tuple[bool | int | float | str, ...]

_STEP = re.compile(r"([^.\[\]]+)((?:\[\d{1,6}\])*)")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
# Sections whose keys are names of the user's choice.
_NAMED = (("indicators",), ("fuzzy_sets",))


class PathError(Exception):
    """A path that leads nowhere in the file."""

    def __init__(self, path: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.problem = Problem(path=path, line=None, message=message, hint=hint)


@lru_cache(maxsize=1024)
def parse_path(text: str) -> Path:
    """Return the steps of a path such as ``nn_inputs[0].fuzzy_set``.

    Raises
    ------
    PathError
        If it is none.
    """
    steps: list[str | int] = []
    for part in text.split("."):
        found = _STEP.fullmatch(part)
        if found is None:
            raise PathError(
                text[:80],
                "is no path in a strategy",
                "write it such as backtest.stops.stop_loss or nn_inputs[0].fuzzy_set",
            )
        steps.append(found[1])
        steps += map(int, re.findall(r"\d+", found[2]))
    return tuple(steps)


def with_value(tree: Value, path: Path, value: OverrideValue) -> Value:
    """Return ``tree`` with ``value`` at ``path``; mappings on the way are made.

    Raises
    ------
    PathError
        If a list is too short for the path, or a single value stands in its way.
    """
    return _with_value(tree, path, value, ())


def _with_value(tree: Value, path: Path, value: OverrideValue, walked: Path) -> Value:
    if not path:
        return value
    step, rest = path[0], path[1:]
    here = (*walked, step)
    if isinstance(step, int):
        if not isinstance(tree, tuple) or step >= len(tree):
            size = f"{len(tree)} entries" if isinstance(tree, tuple) else "no list"
            raise PathError(path_text(here), f"there is no such entry: found {size}")
        item = _with_value(tree[step], rest, value, here)
        return (*tree[:step], item, *tree[step + 1 :])
    if tree is not None and not isinstance(tree, dict):
        kind = "a list" if isinstance(tree, tuple) else "a single value"
        raise PathError(path_text(here), f"{path_text(walked)} is {kind} without keys")
    entries = tree or {}
    if rest and step not in entries and walked[:1] in _NAMED:
        # A new indicator or term needs more than one value: it is a misspelt one.
        raise PathError(path_text(here), "there is no such name", _near(step, entries))
    return {**entries, step: _with_value(entries.get(step), rest, value, here)}


def _near(step: str, entries: Mapping[str, Value]) -> str:
    return nearest(step, entries) or f"expected one of {listed(entries)}"


def edited(text: str, overrides: Mapping[str, OverrideValue]) -> str:
    """Return ``text``, a readable YAML mapping, with the values replaced.

    Where layout or quoting make a change in place impossible, the text is written
    anew: without comments, but saying the same.

    Raises
    ------
    PathError
        If a path leads nowhere.
    """
    text = text.removeprefix("\ufeff")
    root, _ = read_tree(text)
    wanted = None if root is None else root.value()
    for path, value in overrides.items():
        steps = parse_path(path)
        wanted = with_value(wanted, steps, value)
        text = _edited(text, steps, value)
    root, problems = read_tree(text)
    if root is not None and not problems and _same(root.value(), wanted):
        return text
    return yaml.safe_dump(_plain(wanted), sort_keys=False, allow_unicode=True)


def _same(found: Value, wanted: Value) -> bool:
    # Without the order of keys; 1, 1.0 and true are different values.
    if isinstance(found, dict) and isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(
            _same(found[key], wanted[key]) for key in found
        )
    if isinstance(found, tuple) and isinstance(wanted, tuple):
        pairs = zip(found, wanted, strict=False)
        return len(found) == len(wanted) and all(_same(*pair) for pair in pairs)
    return type(found) is type(wanted) and found == wanted


def _plain(value: Value) -> object:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _edited(text: str, path: Path, value: OverrideValue) -> str:
    # Never None: the text was read before and is a mapping.
    node = cast(yaml.Node, yaml.compose(text, Loader=yaml.SafeLoader))
    for depth, step in enumerate(path):
        child = _child(node, step)
        if child is None:
            return _with_keys(text, node, path[depth:], value)
        node = child
    return _replaced(text, node, written(value))


def _child(node: yaml.Node, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        found = (inner for key, inner in node.value if key.value == step)
        return next(found, None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        item: yaml.Node = node.value[step]
        return item
    return None


def _with_keys(text: str, node: yaml.Node, path: Path, value: OverrideValue) -> str:
    # The key that is missing, with what lies below it on one line.
    inner = written(value)
    for step in reversed(path[1:]):
        inner = f"{{{step}: {inner}}}"
    entry = f"{path[0]}: {inner}"
    start = node.start_mark.index
    if not isinstance(node, yaml.MappingNode):
        return _replaced(text, node, f"{{{entry}}}")
    if node.flow_style:
        comma = ", " if node.value else ""
        return f"{text[: start + 1]}{entry}{comma}{text[start + 1 :]}"
    return f"{text[:start]}{entry}\n{' ' * node.start_mark.column}{text[start:]}"


def _replaced(text: str, node: yaml.Node, replacement: str) -> str:
    start, end = node.start_mark.index, _end(node)
    space = " " if start == end and not text[:start].endswith(" ") else ""
    return f"{text[:start]}{space}{replacement}{text[end:]}"


def _end(node: yaml.Node) -> int:
    # A block's own mark lies behind the comments that follow it.
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def written(value: OverrideValue) -> str:
    """Return ``value`` as YAML on one line."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(written, value))}]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if _is_plain(value) else json.dumps(value, ensure_ascii=False)
    return repr(value)


def _is_plain(text: str) -> bool:
    try:
        return _PLAIN.fullmatch(text) is not None and resolve(text) == text
    except ScalarError:
        return False
