"""All indicators by name."""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from types import MappingProxyType

from ktrdr.errors import NotFoundError
from ktrdr.indicators import channels, oscillators, swings, trend, volume
from ktrdr.indicators.indicator import Indicator
from ktrdr.indicators.talib_functions import talib_indicators

_OURS = (
    *channels.INDICATORS,
    *oscillators.INDICATORS,
    *swings.INDICATORS,
    *trend.INDICATORS,
    *volume.INDICATORS,
)


@cache
def catalogue() -> Mapping[str, Indicator]:
    """Return every indicator by its name, in alphabetical order."""
    indicators = [*talib_indicators(), *_OURS]
    by_name = {indicator.name: indicator for indicator in indicators}
    return MappingProxyType(dict(sorted(by_name.items())))


def find_indicator(name: str) -> Indicator:
    """Return the indicator called ``name``.

    Raises
    ------
    NotFoundError
        If there is none; names the nearest.
    """
    try:
        return catalogue()[name]
    except KeyError:
        hint = nearest_indicators(name) or "see `ktrdr indicators list`"
        raise NotFoundError(f"unknown indicator {name!r}; {hint}") from None


def search_indicators(text: str = "", group: str | None = None) -> list[Indicator]:
    """Return those with ``text`` in name or title, of ``group`` if one is given."""
    return [
        indicator
        for indicator in catalogue().values()
        if text.lower() in f"{indicator.name} {indicator.title}".lower()
        and group in (None, indicator.group)
    ]


def nearest_indicators(name: str) -> str | None:
    """Return a question naming up to three indicators that may be meant."""
    wanted = name.lower()
    close = get_close_matches(wanted, catalogue(), n=3)
    words = wanted.replace("_", " ").strip()
    titled = [
        indicator.name
        for indicator in catalogue().values()
        if len(words) > 2 and words in indicator.title.lower().replace("-", " ")
    ]
    names = list(dict.fromkeys([*close, *titled]))[:3]
    return f"did you mean {' or '.join(names)}?" if names else None
