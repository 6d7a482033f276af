"""The words for each kind of error that validation of single values can find."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

from ktrdr.schemas import IDENTIFIER_PATTERN
from ktrdr.strategy.names import nearest
from ktrdr.strategy.spec import STRATEGY_NAME
from ktrdr.strategy.tree import shorten

Context = Mapping[str, Any]

_PATTERNS = {
    IDENTIFIER_PATTERN: "a name of at most 64 letters, digits and _ that begins with "
    "a letter",
    STRATEGY_NAME: "a name of at most 64 letters, digits, _ and - that begins with a "
    "letter",
}
_EXPECTED: dict[str, Callable[[Context], str]] = {
    "string_type": lambda _: "text",
    "int_type": lambda _: "a whole number",
    "int_from_float": lambda _: "a whole number",
    "float_type": lambda _: "a number",
    "finite_number": lambda _: "a finite number",
    "bool_type": lambda _: "true or false",
    "tuple_type": lambda _: "a list",
    "dict_type": lambda _: "keys with values",
    "model_type": lambda _: "keys with values",
    "model_attributes_type": lambda _: "keys with values",
    "literal_error": lambda context: _one_of(_literals(context)),
    "greater_than": lambda context: f"a number above {_bound(context['gt'])}",
    "greater_than_equal": lambda context: (
        f"a number of at least {_bound(context['ge'])}"
    ),
    "less_than": lambda context: f"a number below {_bound(context['lt'])}",
    "less_than_equal": lambda context: f"a number of at most {_bound(context['le'])}",
    "too_short": lambda context: f"at least {context['min_length']} entries",
    "too_long": lambda context: f"at most {context['max_length']} entries",
    "string_too_short": lambda context: f"at least {context['min_length']} characters",
    "string_too_long": lambda context: f"at most {context['max_length']} characters",
    "string_pattern_mismatch": lambda context: _PATTERNS[str(context["pattern"])],
}


def message_of(details: ErrorDetails) -> str:
    """Return what was found and what was expected."""
    context = details.get("ctx", {})
    if details["type"] == "value_error":
        return str(context["error"])
    found = f"found {describe(details['input'])}"
    if details["type"] not in _EXPECTED:
        return f"{found}: {details['msg']}"
    return f"{found}, expected {_EXPECTED[details['type']](context)}"


def _bound(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:g}"


def _literals(context: Context) -> list[str]:
    # The validator gives them as a sentence: 'a', 'b' or 'c'.
    words = str(context["expected"]).replace(" or ", ", ").replace("'", "")
    return words.split(", ")


def _one_of(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"one of {', '.join(names)}"


def hint_of(details: ErrorDetails) -> str | None:
    """Return what to do, where more can be said than what was expected."""
    found = details["input"]
    match details["type"]:
        case "literal_error":
            names = _literals(details.get("ctx", {}))
            return (
                "write it without quotes" if found in names else nearest(found, names)
            )
        case "string_type" if isinstance(found, bool | int | float):
            return "put it in quotes if text is meant"
        case "int_type" | "float_type" if isinstance(found, str):
            return "write digits, without quotes, _ or units"
        case "bool_type" if isinstance(found, str):
            return _truth_hint(found)
        case "int_type" | "int_from_float" if isinstance(found, float):
            return "write it without a point" if found.is_integer() else None
    return None


def _truth_hint(found: str) -> str | None:
    word = found.lower()
    if word in ("yes", "on", "y"):
        return "write true"
    return "write false" if word in ("no", "off", "n") else None


def describe(value: object) -> str:
    """Return ``value`` in a few words, whatever its size."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value:g}" if isinstance(value, float) else f"{value}"
    if isinstance(value, str):
        return f"{shorten(value)!r}"
    if isinstance(value, Mapping):
        return f"{len(value)} keys" if len(value) != 1 else "1 key"
    if isinstance(value, tuple):
        return f"a list of {len(value)}"
    return f"a {type(value).__name__}"
