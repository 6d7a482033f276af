"""What documents have in common that ask the backend for something."""

from typing import Any

from pydantic import ConfigDict, model_validator

from ktrdr.schemas.document import Document

# Far more than any of these documents needs, far less than exhausts the stack.
_DEEPEST = 32


class Start(Document):
    """A document that is sent to the backend, and strict: a number is no text.

    It may be read from JSON that was parsed before, with lists for tuples, and
    holds no text that a database can't keep.
    """

    model_config = ConfigDict(strict=True)

    @model_validator(mode="before")
    @classmethod
    def _take_json(cls, value: Any) -> Any:
        return _storable(value)


def _storable(value: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        raise ValueError(f"found lists or objects within {_DEEPEST} others")
    if isinstance(value, str):
        _refuse_odd(value)
    elif isinstance(value, dict):
        return {
            _storable(key): _storable(inner, depth + 1) for key, inner in value.items()
        }
    elif isinstance(value, list | tuple):
        return tuple(_storable(inner, depth + 1) for inner in value)
    return value


def _refuse_odd(text: str) -> None:
    if "\0" in text:
        raise ValueError("found the character NUL, which no text here may hold")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("found half of a character, which is no text") from None
