"""Log in and out: a cookie for browsers."""

from fastapi import APIRouter, Request, Response

from ktrdr.api.access import OPEN, VIEWER
from ktrdr.api.authentication import COOKIE
from ktrdr.api.dependencies import CurrentUser, DatabaseDep
from ktrdr.api.login_limit import LoginLimit
from ktrdr.api.tokens import SESSION_S, Tokens
from ktrdr.errors import NotAuthenticatedError
from ktrdr.schemas import SessionStart, UserDocument

router = APIRouter(prefix="/session", tags=["access"])


@router.get("", dependencies=[VIEWER])
async def show_session(user: CurrentUser) -> UserDocument:
    """Tell who one is to the backend."""
    return UserDocument(name=user.name, role=user.role, method=user.method)


@router.post("", status_code=201, dependencies=[OPEN])
async def log_in(
    start: SessionStart, database: DatabaseDep, request: Request, response: Response
) -> UserDocument:
    """Log in with a token; the answer sets a cookie."""
    limit: LoginLimit = request.app.state.login_limit
    client = request.client.host if request.client else ""
    limit.check(client)
    session = await Tokens(database).log_in(start.token)
    if session is None:
        limit.note_failure(client)
        raise NotAuthenticatedError(
            "the token is not valid: unknown, expired or revoked"
        )
    response.set_cookie(
        COOKIE,
        session.secret,
        max_age=SESSION_S,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    token = session.token
    return UserDocument(name=token.name, role=token.role, method="session")


@router.delete("", status_code=204, dependencies=[VIEWER])
async def log_out(database: DatabaseDep, request: Request, response: Response) -> None:
    """Log out: the cookie is worth nothing any more."""
    secret = request.cookies.get(COOKIE)
    if secret is not None:
        await Tokens(database).log_out(secret)
    response.delete_cookie(
        COOKIE,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
