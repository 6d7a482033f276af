"""Make, list and revoke API tokens."""

from typing import Annotated

from fastapi import APIRouter, Path

from ktrdr.api.access import ADMIN
from ktrdr.api.dependencies import DatabaseDep
from ktrdr.api.tokens import Tokens
from ktrdr.schemas import NewTokenDocument, TokenDocument, TokenList, TokenStart

router = APIRouter(prefix="/tokens", tags=["access"])


@router.get("", dependencies=[ADMIN])
async def list_tokens(database: DatabaseDep) -> TokenList:
    """List all tokens, without their secrets."""
    return TokenList(items=tuple(await Tokens(database).list()))


@router.post("", status_code=201, dependencies=[ADMIN])
async def create_token(start: TokenStart, database: DatabaseDep) -> NewTokenDocument:
    """Make a token; it is shown in this answer and never again."""
    return await Tokens(database).create(start)


@router.delete("/{token}", dependencies=[ADMIN])
async def revoke_token(
    token: Annotated[
        str,
        Path(
            pattern="^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$",
            description="Id or name.",
        ),
    ],
    database: DatabaseDep,
) -> TokenDocument:
    """Make a token and its sessions invalid, at once and for ever."""
    return await Tokens(database).revoke(token)
