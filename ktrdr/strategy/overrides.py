"""Strategies with some of their values replaced, in the grammar's own words."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import TypeVar

from pydantic import ValidationError

from ktrdr.errors import InputError, Problem, StrategyError
from ktrdr.strategy.agreement import disagreements
from ktrdr.strategy.draft import Draft
from ktrdr.strategy.idle import idle_keys
from ktrdr.strategy.override_text import (
    OverrideValue,
    PathError,
    edited,
    parse_path,
    with_value,
)
from ktrdr.strategy.parse import parse_strategy
from ktrdr.strategy.reader import read_tree
from ktrdr.strategy.spec import Strategy
from ktrdr.strategy.trading_spec import BacktestSpec, DecisionsSpec
from ktrdr.strategy.tree import Value

_TRADING = ("backtest", "decisions")
# The format decides labels, loss and outputs: a network is trained for one.
_TRAINED = ("decisions", "format")

OverrideMap = Mapping[str, OverrideValue]
S = TypeVar("S", DecisionsSpec, BacktestSpec)


def with_overrides(
    text: str, overrides: OverrideMap, source: str = "strategy"
) -> tuple[str, Strategy]:
    """Return a strategy's text with values replaced, and the strategy it describes.

    Parameters
    ----------
    text : str
        A valid strategy's YAML text.
    overrides : mapping of str to value
        Paths such as ``backtest.stops.stop_loss`` or ``nn_inputs[0].fuzzy_set`` to
        what shall stand there; a key that the text does not have yet is added.
    source : str
        Where the text came from, for messages.

    Raises
    ------
    StrategyError
        If the text is invalid, or becomes so: every problem with its path.
    """
    strategy = parse_strategy(text, source)
    if not overrides:
        return text, strategy
    where = f"{source} with overrides"
    problems: list[Problem] = []
    for path, value in overrides.items():
        try:
            with_value(_tree(text), parse_path(path), value)
        except PathError as error:
            problems.append(error.problem)
    if problems:
        raise StrategyError(problems, where)
    changed = edited(text, overrides)
    try:
        return changed, parse_strategy(changed, where)
    except StrategyError as error:
        # Lines of a text that nobody has in an editor would only mislead.
        unplaced = [replace(one, line=None) for one in error.problems]
        raise StrategyError(unplaced, where) from None


def is_trading_path(path: str) -> bool:
    """Return whether ``path`` bears on trading alone, not on training."""
    steps = path.partition("[")[0].split(".")
    return steps[0] in _TRADING and tuple(steps[:2]) != _TRAINED


def check_trading_paths(paths: Mapping[str, object]) -> None:
    """Raise InputError if a path bears on what a trained model was trained with."""
    others = [path for path in paths if not is_trading_path(path)]
    if others:
        raise InputError(
            f"a trained model can't be given another {', '.join(others)[:200]}: "
            "expected paths below backtest and decisions, decisions.format aside; "
            "to vary the others, name a strategy, which is then trained anew"
        )


@dataclass(frozen=True, kw_only=True)
class TradingSettings:
    """What a model's outputs are decided and traded by."""

    decisions: DecisionsSpec
    backtest: BacktestSpec


class TradingOverrides:
    """Replaces values of ``decisions`` and ``backtest`` of one strategy, many times.

    It gives what ``with_overrides`` gives, a few hundred times as fast: only these
    two sections are read anew, each setting of them once.

    Parameters
    ----------
    text : str
        A valid strategy's text.
    source : str
        Where it came from, for messages.
    base : mapping of str to value
        Values of any path that are replaced beforehand.

    Raises
    ------
    StrategyError
        If the text is invalid, or becomes so by ``base``.
    """

    def __init__(
        self, text: str, source: str = "strategy", base: OverrideMap | None = None
    ) -> None:
        self._text = text
        self._source = source
        self._base = dict(base or {})
        tree = _tree(text)
        quick = _quick_strategy(tree, self._base)
        if quick is None:
            changed, self.strategy = with_overrides(text, self._base, source)
            tree = _tree(changed)
        else:
            self.strategy, tree = quick
        self._draft = Draft.of(self.strategy)
        self._sections = tree if isinstance(tree, dict) else {}
        self._known: dict[tuple[str, str], DecisionsSpec | BacktestSpec | None] = {}

    def settings(self, overrides: OverrideMap) -> TradingSettings:
        """Return the settings with these values replaced.

        Raises
        ------
        InputError
            If a path bears on training.
        StrategyError
            If the strategy becomes invalid; every problem with its path.
        """
        check_trading_paths(overrides)
        try:
            return TradingSettings(
                decisions=self._section(DecisionsSpec, "decisions", overrides),
                backtest=self._section(BacktestSpec, "backtest", overrides),
            )
        except (_Invalid, PathError):
            every = {**self._base, **overrides}
            _, strategy = with_overrides(self._text, every, self._source)
            return TradingSettings(
                decisions=strategy.decisions, backtest=strategy.backtest
            )

    def _section(self, kind: type[S], name: str, overrides: OverrideMap) -> S:
        own = {
            path: value
            for path, value in overrides.items()
            if parse_path(path)[0] == name
        }
        key = (name, repr(sorted(own.items())))
        if key not in self._known:
            self._known[key] = self._read(kind, name, own)
        found = self._known[key]
        if not isinstance(found, kind):
            raise _Invalid
        return found

    def _read(self, kind: type[S], name: str, overrides: OverrideMap) -> S | None:
        # None if it is invalid: then the whole strategy's parser says why.
        tree: Value = {name: self._sections.get(name, {})}
        for path, value in overrides.items():
            tree = with_value(tree, parse_path(path), value)
        if not isinstance(tree, dict):
            return None
        try:
            section = kind.model_validate(tree[name])
        except ValidationError:
            return None
        draft = (
            replace(self._draft, decisions=section)
            if isinstance(section, DecisionsSpec)
            else replace(self._draft, backtest=section)
        )
        findings = chain(disagreements(draft), idle_keys(draft))
        return section if next(findings, None) is None else None


def _quick_strategy(tree: Value, base: OverrideMap) -> tuple[Strategy, Value] | None:
    # None if anything is wrong: then the parser of the whole text says what.
    try:
        for path, value in base.items():
            tree = with_value(tree, parse_path(path), value)
        strategy = Strategy.model_validate(tree)
    except (PathError, ValidationError):
        return None
    has_idle_key = next(idle_keys(Draft.of(strategy)), None) is not None
    return None if has_idle_key else (strategy, tree)


@lru_cache(maxsize=8)
def _tree(text: str) -> Value:
    # Never changed by those who share it.
    root, _ = read_tree(text)
    return None if root is None else root.value()


class _Invalid(Exception):
    """A section contradicts itself or another."""
