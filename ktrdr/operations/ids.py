"""Ids of operations: short enough to type, random enough never to meet again."""

import re
import secrets

# Letters and digits that nobody mistakes for each other.
_LETTERS = "abcdefghjkmnpqrstvwxyz"
_ALPHABET = "0123456789" + _LETTERS
_LENGTH = 10
_BEGINNING = re.compile(rf"[0-9a-z]{{1,{_LENGTH}}}")


def new_id() -> str:
    """Return ten letters and digits, a letter first so that none reads as a number."""
    rest = (secrets.choice(_ALPHABET) for _ in range(_LENGTH - 1))
    return secrets.choice(_LETTERS) + "".join(rest)


def may_begin_id(text: str) -> bool:
    """Return whether an id could be or begin with ``text``."""
    return _BEGINNING.fullmatch(text) is not None
