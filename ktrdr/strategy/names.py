"""The nearest valid name, for hints."""

from collections.abc import Iterable
from difflib import get_close_matches

from ktrdr.strategy.tree import shorten

# difflib takes time in proportion to both lengths; no valid name comes near it.
_MAX_LENGTH = 200


def nearest(name: object, names: Iterable[str]) -> str | None:
    """Return ``did you mean ...?`` for the nearest of ``names``, None if all are far.

    Capitals don't count.
    """
    if not isinstance(name, str) or len(name) > _MAX_LENGTH:
        return None
    by_lower = {known.lower(): known for known in names}
    close = get_close_matches(name.lower(), by_lower, n=1)
    return f"did you mean {by_lower[close[0]]}?" if close else None


def listed(names: Iterable[str], limit: int = 12) -> str:
    """Return ``names`` in words, shortened past ``limit``."""
    known = list(names)
    rest = f" and {len(known) - limit} more" if len(known) > limit else ""
    return (", ".join(map(shorten, known[:limit])) or "none") + rest
