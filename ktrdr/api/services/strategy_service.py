"""Strategies: listed, shown, checked, saved into the server's folder."""

import re
from typing import TYPE_CHECKING

from ktrdr.errors import InputError
from ktrdr.schemas import (
    StrategyDetail,
    StrategyFeatures,
    StrategySummary,
    StrategyVerdict,
)

if TYPE_CHECKING:
    from ktrdr.storage import Digest

_TAG = re.compile(r'"([0-9a-f]{64})"')


def list_strategies(*, offset: int, limit: int) -> list[StrategySummary]:
    """Return the strategies in the server's folder, and the examples."""
    from ktrdr.strategy import list_strategies as paths
    from ktrdr.strategy import strategy_summary

    return [strategy_summary(path) for path in paths()[offset : offset + limit]]


def show_strategy(name: str) -> StrategyDetail:
    """Return a stored strategy, valid or not."""
    from ktrdr.strategy import find_named_strategy, strategy_detail

    return strategy_detail(find_named_strategy(name))


def validate(text: str) -> StrategyVerdict:
    """Return whether ``text`` is a valid strategy, with every problem if not."""
    from ktrdr.strategy import strategy_verdict

    return strategy_verdict(text)


def features(text: str) -> StrategyFeatures:
    """Return the feature ids of a valid strategy, in order."""
    from ktrdr.strategy import parse_strategy, strategy_features

    return strategy_features(parse_strategy(text))


def save(
    name: str,
    text: str,
    *,
    if_match: str | None,
    if_none_match: str | None,
    overwrite: bool,
) -> StrategyDetail:
    """Save a strategy under its name; see ``ktrdr.strategy.save_strategy``."""
    from ktrdr.strategy import save_strategy, strategy_detail

    if if_none_match not in (None, "*"):
        raise InputError("If-None-Match: expected *, to save what does not exist yet")
    if (if_match is not None) + (if_none_match is not None) + overwrite > 1:
        raise InputError("give one of If-Match, If-None-Match and overwrite")
    replaces = None if if_match is None else _digest(if_match)
    return strategy_detail(
        save_strategy(name, text, replaces=replaces, overwrite=overwrite)
    )


def delete(name: str, *, if_match: str) -> None:
    """Delete a strategy of the server's folder, if it is the one that is meant."""
    from ktrdr.strategy import delete_strategy

    delete_strategy(name, expected=_digest(if_match))


def _digest(tag: str) -> "Digest":
    from ktrdr.storage import parse_digest

    found = _TAG.fullmatch(tag)
    if found is None:
        raise InputError(
            "If-Match: expected the ETag of the strategy, 64 hexadecimal digits in "
            "quotes"
        )
    return parse_digest(found[1])
