"""``ktrdr auth``: who may use the backend, directly in the database."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from ktrdr.cli.options import AsJson

if TYPE_CHECKING:
    from datetime import datetime

    from ktrdr.api import Tokens
    from ktrdr.schemas import TokenDocument, TokenStart

AnswerT = TypeVar("AnswerT")

app = typer.Typer(no_args_is_help=True, help="Manage the backend's API tokens.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Shown as the maker of operations.")],
    role: Annotated[
        Literal["viewer", "operator", "admin"],
        typer.Option(
            help="viewer looks, operator starts and stops work, admin does all."
        ),
    ] = "operator",
    expires_days: Annotated[
        int | None,
        typer.Option(
            min=1, max=3650, help="Days until it is valid no more; never if left out."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token; it is shown this once and kept nowhere."""
    from ktrdr.cli.output import console, notes, print_json

    start = _start(name, role, expires_days)
    made = _with_tokens(lambda tokens: tokens.create(start))
    if as_json:
        print_json(made.model_dump(mode="json"))
        return
    console().print(made.token, markup=False, soft_wrap=True)
    notes().print(
        f"This is the only time that it is shown. {made.name} is {made.role}"
        f"{_until(made)}; commands send it when KTRDR_API_TOKEN holds it.",
        markup=False,
    )


@app.command(name="list")
def list_tokens(as_json: AsJson = False) -> None:
    """List all tokens, without their secrets."""
    from rich.table import Table

    from ktrdr.cli.output import console, print_json

    found = _with_tokens(lambda tokens: tokens.list())
    if as_json:
        print_json([token.model_dump(mode="json") for token in found])
        return
    table = Table(box=None, header_style="bold")
    for heading in ("id", "name", "role", "created", "last used", "state"):
        table.add_column(heading)
    for token in found:
        dates = (_day(token.created_at), _day(token.last_used_at))
        table.add_row(token.id, token.name, token.role, *dates, _state(token))
    console().print(table if found else "There are no tokens.")


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="Name or id of the token.")],
    as_json: AsJson = False,
) -> None:
    """Make a token and its sessions invalid, at once and for ever."""
    from ktrdr.cli.output import console, print_json

    revoked = _with_tokens(lambda tokens: tokens.revoke(name))
    if as_json:
        print_json(revoked.model_dump(mode="json"))
    else:
        console().print(f"{revoked.name} is revoked.", markup=False)


def _start(name: str, role: str, expires_days: int | None) -> "TokenStart":
    from pydantic import ValidationError

    from ktrdr.errors import InputError
    from ktrdr.schemas import TokenStart

    try:
        return TokenStart.model_validate(
            {"name": name, "role": role, "expires_days": expires_days}
        )
    except ValidationError:
        raise InputError(
            f"{name[:80]!r} can't name a token: expected 1 to 64 letters, digits or "
            "._@- that begin with a letter or digit"
        ) from None


def _with_tokens(use: "Callable[[Tokens], Awaitable[AnswerT]]") -> AnswerT:
    import asyncio

    from ktrdr.api import Tokens
    from ktrdr.database import Database, check_schema, database_in_use, upgrade

    with database_in_use() as found:
        # The first token is made before ktrdr's own database was ever used; whoever
        # has one of their own brings it to a new schema when they wish.
        prepare = upgrade if found.is_embedded else check_schema

        async def run() -> AnswerT:
            async with Database(found.url, max_size=1) as database:
                await prepare(database)
                return await use(Tokens(database))

        return asyncio.run(run())


def _until(token: "TokenDocument") -> str:
    return f" until {_day(token.expires_at)}" if token.expires_at else ""


def _day(moment: "datetime | None") -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d}"


def _state(token: "TokenDocument") -> str:
    from datetime import UTC, datetime

    if token.revoked_at is not None:
        return f"revoked {_day(token.revoked_at)}"
    if token.expires_at is None:
        return "valid"
    is_over = token.expires_at <= datetime.now(UTC)
    return f"{'expired' if is_over else 'valid until'} {_day(token.expires_at)}"
