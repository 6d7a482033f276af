"""Strategies and what is wrong with them, for HTTP and ``--json``."""

from collections.abc import Sequence
from pathlib import Path

from ktrdr.errors import InputError, Problem, StrategyError
from ktrdr.schemas import (
    ProblemItem,
    StrategyDetail,
    StrategyFeatures,
    StrategySummary,
    StrategyVerdict,
    SummaryLine,
)
from ktrdr.storage import digest_of
from ktrdr.strategy.files import is_own
from ktrdr.strategy.inputs import feature_ids
from ktrdr.strategy.parse import load_strategy, parse_strategy, read_strategy_text
from ktrdr.strategy.spec import Strategy, strategy_digest
from ktrdr.strategy.summary import summarize


def strategy_summary(path: Path) -> StrategySummary:
    """Return one line about the strategy in the file at ``path``, valid or not."""
    name, is_example = path.stem, not is_own(path)
    try:
        strategy = load_strategy(path)
    except InputError as error:
        problem = str(error).partition("\n")[0]
        return StrategySummary(
            name=name,
            is_example=is_example,
            valid=False,
            timeframes=(),
            n_features=0,
            description=f"invalid: {problem}",
        )
    return StrategySummary(
        name=name,
        is_example=is_example,
        valid=True,
        timeframes=strategy.training_data.timeframes,
        n_features=len(feature_ids(strategy)),
        description=strategy.description,
    )


def strategy_verdict(text: str) -> StrategyVerdict:
    """Return whether ``text`` is a valid strategy, and what it comes to."""
    try:
        return _valid(parse_strategy(text))
    except StrategyError as error:
        return _invalid(error)


def strategy_detail(path: Path) -> StrategyDetail:
    """Return the strategy in the file at ``path``, valid or not.

    Raises
    ------
    NotFoundError, InputError
        If the file can't be read as text.
    """
    text = read_strategy_text(path)
    strategy = None
    try:
        strategy = parse_strategy(text, path.name)
        verdict = _valid(strategy)
    except StrategyError as error:
        verdict = _invalid(error)
    return StrategyDetail(
        **dict(verdict),
        file=path.stem,
        is_example=not is_own(path),
        text=text,
        text_digest=digest_of(text.encode()),
        strategy=None if strategy is None else strategy.model_dump(mode="json"),
    )


def strategy_features(strategy: Strategy) -> StrategyFeatures:
    """Return the ids of the features of ``strategy``."""
    return StrategyFeatures(
        name=strategy.name,
        digest=strategy_digest(strategy),
        features=tuple(feature_ids(strategy)),
    )


def _valid(strategy: Strategy) -> StrategyVerdict:
    return StrategyVerdict(
        valid=True,
        problems=(),
        **dict(strategy_features(strategy)),
        summary=tuple(
            SummaryLine(topic=topic, line=line) for topic, line in summarize(strategy)
        ),
    )


def _invalid(error: StrategyError) -> StrategyVerdict:
    return StrategyVerdict(
        valid=False,
        problems=_items(error.problems),
        name=None,
        digest=None,
        features=(),
        summary=(),
    )


def _items(problems: Sequence[Problem]) -> tuple[ProblemItem, ...]:
    return tuple(
        ProblemItem(path=one.path, line=one.line, message=one.message, hint=one.hint)
        for one in problems
    )
