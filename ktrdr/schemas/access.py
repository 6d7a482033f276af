"""Who may do what: roles, tokens and sessions."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from ktrdr.schemas.document import Document
from ktrdr.schemas.start import Start

# What the name of a token may be: it is shown as the maker of operations.
TOKEN_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$"
MAX_TOKEN_DAYS = 3650
TokenName = Annotated[str, Field(pattern=TOKEN_NAME_PATTERN)]


class Role(StrEnum):
    """What somebody may do: look, start and stop work, or everything."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        """Return whether whoever has this role may do what ``other`` may."""
        return _ORDER.index(self) >= _ORDER.index(other)


_ORDER = tuple(Role)


class TokenStart(Start):
    """What a token is made from.

    Attributes
    ----------
    expires_days : int or None
        Days until it is valid no more; None is never.
    """

    name: TokenName
    role: Annotated[Role, Field(strict=False)]
    expires_days: Annotated[int, Field(ge=1, le=MAX_TOKEN_DAYS)] | None = None


class TokenDocument(Document):
    """A token, without its secret."""

    id: str
    name: str
    role: Role
    created_at: datetime
    last_used_at: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class TokenList(Document):
    """All tokens."""

    items: tuple[TokenDocument, ...]


class NewTokenDocument(TokenDocument):
    """A token just made.

    Attributes
    ----------
    token : str
        The token itself: shown this once, kept nowhere.
    """

    token: str


class SessionStart(Start):
    """A login with a token."""

    token: Annotated[str, Field(min_length=1, max_length=200)]


class UserDocument(Document):
    """Who somebody is to the backend.

    Attributes
    ----------
    name : str
        The token's name; ``local`` without one.
    method : str
        How that is known: by a token, by a session, or by being on the machine.
    """

    name: str
    role: Role
    method: Literal["local", "token", "session"]
