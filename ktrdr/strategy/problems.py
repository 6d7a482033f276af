"""What validation found, in the words of the file instead of the validator's."""

from collections.abc import Sized
from itertools import islice

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ktrdr.errors import Problem
from ktrdr.fuzzy import RESERVED_NAMES
from ktrdr.strategy.messages import describe, hint_of, message_of
from ktrdr.strategy.names import listed, nearest
from ktrdr.strategy.reader import MAX_PROBLEMS
from ktrdr.strategy.schema import keys_at, types_at
from ktrdr.strategy.tree import Node, Path, path_text


def form_problems(error: ValidationError, root: Node) -> list[Problem]:
    """Return what ``error`` says about single values, at their paths and lines.

    Values whose problem was found by the YAML reader already are left out, and so
    is what concerns several parts together.
    """
    located = (_problem(one, root) for one in error.errors(include_url=False))
    known = (problem for problem in located if problem is not None)
    return list(islice(known, MAX_PROBLEMS))


def _problem(details: ErrorDetails, root: Node) -> Problem | None:
    path, node, rest = _locate(details["loc"], root)
    is_about_parts = not details["loc"] and isinstance(root.content, dict)
    if node.is_broken or is_about_parts or _is_short_by_fault(details):
        return None
    kind = details["type"]
    if kind == "missing" and rest:
        return _missing(path, node, str(rest[-1]))
    if kind == "extra_forbidden":
        return _unknown(path, node, root)
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        return _wrong_type(path, node, root)
    # A key of a fuzzy set that is not one of its own is taken for a term.
    is_term = kind == "model_type" and len(path) == 3 and path[0] == "fuzzy_sets"
    return Problem(
        path=path_text(path),
        line=node.line,
        message=message_of(details),
        hint=_term_hint(path) if is_term else hint_of(details),
    )


def _is_short_by_fault(details: ErrorDetails) -> bool:
    # The validator counts valid items only; those that are not are told already.
    if details["type"] != "too_short":
        return False
    found = details["input"]
    return isinstance(found, Sized) and len(found) >= details["ctx"]["min_length"]


def _term_hint(path: Path) -> str:
    example = "a membership function is {type: triangular, parameters: [0, 1, 2]}"
    return nearest(path[-1], RESERVED_NAMES[:2]) or example


def _locate(loc: tuple[int | str, ...], root: Node) -> tuple[Path, Node, Path]:
    # A validator's location also names union members, and the fields under which
    # the file's own names are kept: steps that the file doesn't have.
    path: tuple[int | str, ...] = ()
    node = root
    rest: tuple[int | str, ...] = ()
    is_member_known = False
    for position, step in enumerate(loc):
        is_last = position == len(loc) - 1
        member = node.child("type")
        is_member = member is not None and member.content == step and not is_last
        child = None if is_member and not is_member_known else node.child(step)
        is_member_known = is_member
        if child is None:
            rest = (*rest, step)
            continue
        path, node, rest, is_member_known = (*path, step), child, (), False
        if node.is_broken:
            break
    return path, node, rest


def _missing(path: Path, node: Node, key: str) -> Problem:
    return Problem(
        path=path_text(path),
        line=node.line,
        message=f"the key {key} is missing",
    )


def _unknown(path: Path, node: Node, root: Node) -> Problem:
    keys = keys_at(path[:-1], root.value())
    return Problem(
        path=path_text(path),
        line=node.line,
        message=f"unknown key, expected one of {listed(keys, 20)}",
        hint=nearest(path[-1], keys),
    )


def _wrong_type(path: Path, node: Node, root: Node) -> Problem:
    types = types_at(path, root.value())
    member = node.child("type")
    if member is None:
        return Problem(
            path=path_text(path),
            line=node.line,
            message=f"the key type is missing, expected one of {listed(types)}",
        )
    return Problem(
        path=path_text((*path, "type")),
        line=member.line,
        message=f"found {describe(member.value())}, expected one of {listed(types)}",
        hint=nearest(member.content, types),
    )
