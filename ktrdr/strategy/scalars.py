"""What an unquoted YAML scalar means: YAML 1.2's core schema, without surprises.

Only true and false are booleans, so ``on`` and ``no`` stay text; numbers are
decimal, finite and short.
"""

import math
import re

Scalar = str | int | float | bool | None

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {
    word: value
    for value, words in (
        (True, ("true", "True", "TRUE")),
        (False, ("false", "False", "FALSE")),
    )
    for word in words
}
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MAX_DIGITS = 18
_MAX_NUMBER_LENGTH = 64


class ScalarError(ValueError):
    """A scalar that looks like a number and can't be used as one."""


def resolve(text: str) -> Scalar:
    """Return what the unquoted scalar ``text`` means.

    Raises
    ------
    ScalarError
        If it is a number that is not finite or has too many digits.
    """
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if _INT.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return _number(text)
    if _NOT_FINITE.fullmatch(text):
        raise ScalarError(f"found {text}, expected a finite number")
    return text


def _integer(text: str) -> int:
    if len(text.lstrip("+-")) > _MAX_DIGITS:
        raise ScalarError(
            f"found a whole number of {len(text)} characters, expected at most "
            f"{_MAX_DIGITS} digits (text of digits belongs in quotes)"
        )
    return int(text)


def _number(text: str) -> float:
    if len(text) > _MAX_NUMBER_LENGTH:
        raise ScalarError(
            f"found a number of {len(text)} characters, expected at most "
            f"{_MAX_NUMBER_LENGTH} (text of digits belongs in quotes)"
        )
    number = float(text)
    if not math.isfinite(number):
        raise ScalarError(f"found {text}, expected a finite number")
    return number
