"""From YAML text to a strategy, or to all that is wrong with it."""

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from pathlib import Path as FilePath

from pydantic import ValidationError

from ktrdr.errors import InputError, NotFoundError, Problem, StrategyError
from ktrdr.strategy.draft import Draft, Finding
from ktrdr.strategy.idle import idle_keys
from ktrdr.strategy.problems import form_problems
from ktrdr.strategy.reader import MAX_BYTES, MAX_PROBLEMS, read_tree
from ktrdr.strategy.references import contradictions
from ktrdr.strategy.spec import Strategy
from ktrdr.strategy.tree import Node, Value, path_text, shorten


def load_strategy(path: FilePath) -> Strategy:
    """Return the strategy in the file at ``path``; see ``parse_strategy``."""
    return parse_strategy(read_strategy_text(path), str(path))


def parse_strategy(text: str, source: str = "strategy") -> Strategy:
    """Return the strategy that ``text`` describes.

    Parameters
    ----------
    text : str
        YAML in the form that ``strategy_schema`` describes.
    source : str
        Where the text came from, for messages.

    Raises
    ------
    StrategyError
        If anything is wrong; it lists every problem with path and line.
    """
    root, problems = read_tree(text)
    if root is None:
        raise StrategyError(problems, source)
    value = root.value()
    strategy = None
    try:
        strategy = Strategy.model_validate(value)
    except ValidationError as error:
        problems += form_problems(error, root)
    if isinstance(value, dict):
        draft = Draft.of_value(value)
        findings = chain(_nested(value), contradictions(draft), idle_keys(draft))
        problems += [_located(one, root) for one in islice(findings, MAX_PROBLEMS)]
    if strategy is None or problems:
        raise StrategyError(_in_order(problems), source)
    return strategy


def read_strategy_text(path: FilePath) -> str:
    """Return the text of the strategy file at ``path``.

    Raises
    ------
    NotFoundError
        If there is no such file.
    StrategyError
        If it is too large or not UTF-8.
    """
    try:
        if not path.is_file():
            what = "is not a file" if path.exists() else "does not exist"
            raise NotFoundError(f"{path} {what}, expected a strategy file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        message = f"found more than {MAX_BYTES:,} bytes, expected at most that"
        raise StrategyError([Problem(path="", line=None, message=message)], str(path))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        problem = Problem(
            path="",
            line=data.count(b"\n", 0, error.start) + 1,
            message=f"found the byte 0x{data[error.start]:02x}, which is not UTF-8",
            hint="save the file as UTF-8 text",
        )
        raise StrategyError([problem], str(path)) from None


def _nested(value: Mapping[str, Value]) -> Iterator[Finding]:
    # The form in which a strategy is kept as JSON; a file has one form only.
    inner = (("indicators", "parameters"), ("fuzzy_sets", "memberships"))
    for section, key in inner:
        entries = value.get(section)
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            if isinstance(entry, dict) and key in entry:
                yield Finding(
                    path=(section, name, key),
                    message=f"unknown key: {key} stand directly below {shorten(name)}",
                    hint="move what it holds one level up",
                )


def _located(finding: Finding, root: Node) -> Problem:
    line, node = root.line, root
    for step in finding.path:
        child = node.child(step)
        if child is None:
            continue
        line, node = child.line, child
    return Problem(
        path=path_text(finding.path),
        line=line,
        message=finding.message,
        hint=finding.hint,
    )


def _in_order(problems: list[Problem]) -> list[Problem]:
    unique = list(dict.fromkeys(problems))
    ordered = sorted(unique, key=lambda problem: problem.line or 0)
    if len(ordered) <= MAX_PROBLEMS:
        return ordered
    rest = Problem(
        path="",
        line=None,
        message=f"more than {MAX_PROBLEMS} problems; the rest is cut",
    )
    return [*ordered[:MAX_PROBLEMS], rest]
