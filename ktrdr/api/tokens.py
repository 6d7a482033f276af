"""API tokens and sessions in the database: kept as hashes, shown once."""

import hashlib
import re
import secrets
import string
from dataclasses import dataclass

from ktrdr.database import Database, load_queries
from ktrdr.errors import ConflictError, InputError, NotFoundError
from ktrdr.schemas import NewTokenDocument, TokenDocument, TokenStart

SESSION_S = 12 * 3600
# Whoever asks without a token; see User.
_LOCAL = "local"
_ID_LETTERS = string.ascii_lowercase + string.digits
_TOKEN = re.compile(r"ktrdr_[a-z0-9]{8}_[A-Za-z0-9_-]{43}")
_SESSION = re.compile(r"[A-Za-z0-9_-]{43}")
_queries = load_queries("ktrdr.api", "sql", "access.sql")


@dataclass(frozen=True, kw_only=True)
class Session:
    """A login: what the cookie holds, and whose it is."""

    secret: str
    token: TokenDocument


class Tokens:
    """The tokens in a database.

    A secret has 256 random bits, so one round of SHA-256 keeps it: nobody can try
    them all. Looking up by hash tells nothing by its duration.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, start: TokenStart) -> NewTokenDocument:
        """Make a token; its secret is in the answer and nowhere else.

        Raises
        ------
        ConflictError
            If the name is taken, by a revoked token too.
        """
        if start.name == _LOCAL:
            raise InputError(
                f"{_LOCAL!r} is the name of whoever asks without a token; choose "
                "another"
            )
        id = "".join(secrets.choice(_ID_LETTERS) for _ in range(8))
        token = f"ktrdr_{id}_{secrets.token_urlsafe(32)}"
        found = await self._one(
            "create_token",
            id=id,
            name=start.name,
            role=start.role.value,
            secret_hash=_hash(token),
            expires_days=start.expires_days,
        )
        if found is None:
            raise ConflictError(
                f"a token named {start.name} exists already, revoked ones included; "
                "choose another name"
            )
        return NewTokenDocument(**found.model_dump(), token=token)

    async def list(self) -> list[TokenDocument]:
        """Return all tokens, the newest first."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(_queries["list_tokens"])
            return [TokenDocument(**row) for row in await cursor.fetchall()]

    async def revoke(self, which: str) -> TokenDocument:
        """Make the token of that id or name invalid, at once and for ever."""
        found = await self._one("revoke_token", which=which)
        if found is None:
            raise NotFoundError(
                f"no token has the id or name {which[:80]!r}; `ktrdr auth list` shows "
                "all"
            )
        return found

    async def count(self) -> int:
        """Return how many tokens are valid."""
        async with self._database.connection() as connection:
            cursor = await connection.execute(_queries["count_tokens"])
            row = await cursor.fetchone()
        return int(row["n"]) if row else 0

    async def find(self, token: str) -> TokenDocument | None:
        """Return the valid token that ``token`` is, and note its use."""
        if not _TOKEN.fullmatch(token):
            return None
        return await self._one("find_token", secret_hash=_hash(token))

    async def log_in(self, token: str) -> Session | None:
        """Open a session with a token; None if that is not valid."""
        found = await self.find(token)
        if found is None:
            return None
        secret = secrets.token_urlsafe(32)
        parameters = {
            "secret_hash": _hash(secret),
            "token_id": found.id,
            "seconds": SESSION_S,
        }
        async with self._database.transaction() as connection:
            await connection.execute(_queries["forget_sessions"])
            await connection.execute(_queries["open_session"], parameters)
        return Session(secret=secret, token=found)

    async def find_session(self, secret: str) -> TokenDocument | None:
        """Return the token behind a session, if both are valid."""
        if not _SESSION.fullmatch(secret):
            return None
        return await self._one("find_session", secret_hash=_hash(secret))

    async def log_out(self, secret: str) -> None:
        """End a session, if there is such a one."""
        async with self._database.connection() as connection:
            await connection.execute(
                _queries["close_session"], {"secret_hash": _hash(secret)}
            )

    async def _one(self, query: str, **parameters: object) -> TokenDocument | None:
        async with self._database.connection() as connection:
            cursor = await connection.execute(_queries[query], parameters)
            row = await cursor.fetchone()
        return TokenDocument(**row) if row else None


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
