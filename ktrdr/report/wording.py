"""Numbers and times as people read them."""

import math
import re
import textwrap

import numpy as np

# Narrow and unbreakable, so that a number stays in one piece.
THIN_SPACE = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
NOT_DEFINED = "not defined"
_MORE = "\N{HORIZONTAL ELLIPSIS}"

# Control characters, halves of surrogate pairs, non-characters, and the signs that
# reverse the direction of what follows.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_SPANS = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000))


def number(value: float, digits: int = 2, *, signed: bool = False) -> str:
    """Return ``value`` with thin spaces between thousands and a true minus sign.

    What rounds to 0 has no sign.
    """
    if not math.isfinite(value):
        return NOT_DEFINED
    text = f"{abs(value):,.{digits}f}"
    is_zero = not text.strip("0.,")
    sign = "" if is_zero else MINUS if value < 0 else "+" if signed else ""
    return sign + text.replace(",", THIN_SPACE)


def percent(value: float, digits: int = 2, *, signed: bool = False) -> str:
    """Return the fraction ``value`` in percent."""
    if not math.isfinite(value):
        return NOT_DEFINED
    return f"{number(value * 100, digits, signed=signed)}{THIN_SPACE}%"


def rough_percent(value: float) -> str:
    """Return the fraction's size in percent, as one would say it: without a sign.

    Two significant digits, three from 10 % on, and no more than four decimals.
    """
    size = abs(value) * 100
    if size == 0:
        return percent(0.0, 0)
    digits = min(max(1 - math.floor(math.log10(size)), 0), 4)
    return percent(abs(value), max(digits, 1) if size < 1000 else 0)


def money(value: float, *, signed: bool = False) -> str:
    """Return an amount of money, which has no currency here."""
    return number(value, 2, signed=signed)


def compact(value: float) -> str:
    """Return a number of any size with four significant digits at most."""
    size = abs(value)
    for limit, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M")):
        if size >= limit:
            return f"{number(value / limit, 2)}{THIN_SPACE}{unit}"
    if size == 0:
        return "0"
    if size < 1e-6:
        return f"{value:.2e}".replace("-", MINUS)
    return number(value, min(max(3 - math.floor(math.log10(size)), 0), 8))


def plural(count: int, singular: str, many: str | None = None) -> str:
    """Return ``count`` with its noun."""
    noun = singular if count == 1 else many or f"{singular}s"
    return f"{number(count, 0)} {noun}"


def price_decimals(prices: np.ndarray) -> int:
    """Return how many decimals show prices of this size to about 6 digits."""
    largest = float(np.max(np.abs(prices), initial=0.0))
    if not math.isfinite(largest) or largest == 0:
        return 2
    return min(max(5 - math.floor(math.log10(largest)), 2), 10)


def moment_in_words(moment: str) -> str:
    """Return a time in ISO 8601 to the minute, without T and zone."""
    return moment[:16].replace("T", " ")


def duration(seconds: float) -> str:
    """Return a length of time in days and hours, hours and minutes, or seconds."""
    rest = round(seconds * 1000)
    if rest < _SPANS[-1][1]:
        return f"{number(rest / 1000, 0)}{THIN_SPACE}s"
    words = []
    for unit, length in _SPANS:
        if rest >= length:
            words.append(f"{number(rest // length, 0)}{THIN_SPACE}{unit}")
            rest %= length
    return " ".join(words[:2])


def plain(text: str) -> str:
    """Return ``text`` without what no XML may hold or what turns its direction."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


def cut(words: str, most: int) -> str:
    """Return ``words``, or their beginning and an ellipsis if they are longer."""
    return words if len(words) <= most else words[: most - 1] + _MORE


def wrapped(words: str, width: int, *, most: int) -> list[str]:
    """Return ``words`` in lines of ``width`` characters, the rest left out."""
    return textwrap.wrap(words, width, max_lines=most, placeholder=f" {_MORE}")
