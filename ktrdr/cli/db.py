"""``ktrdr db``: the database's schema, and backups of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ktrdr.cli.options import AsJson

if TYPE_CHECKING:
    from ktrdr.database import DatabaseUse, SchemaState

app = typer.Typer(no_args_is_help=True, help="Look after the database.")


@app.command()
def upgrade(as_json: AsJson = False) -> None:
    """Bring the database to the schema of this ktrdr; no harm if it is there."""
    import asyncio

    from ktrdr.cli.output import console, print_json
    from ktrdr.database import database_in_use

    with database_in_use() as use:
        applied, state = asyncio.run(_upgrade(use.url))
    if as_json:
        print_json({"schema": state.version, "applied": applied})
        return
    done = f"{len(applied)} steps applied" if applied else "nothing to do"
    console().print(f"Schema {state.version}: {done}.", markup=False)


@app.command("allow-workers")
def allow_workers(
    role: Annotated[str, typer.Argument(help="Role of the database for workers.")],
    password_file: Annotated[
        Path, typer.Option(help="File with the password that the role gets.")
    ],
    as_json: AsJson = False,
) -> None:
    """Let a role do workers' work and nothing else; again after each upgrade."""
    from ktrdr.cli.output import console, print_json
    from ktrdr.database import allow_workers, database_in_use

    password = password_file.read_text("utf-8").strip()
    with database_in_use(make=False) as use:
        allow_workers(use.url, role, password)
    if as_json:
        print_json({"role": role})
    else:
        console().print(f"{role} may do the work of workers.", markup=False)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show where the database is, what it holds, and whether its schema is ours."""
    import asyncio

    from ktrdr.cli.output import console, print_json
    from ktrdr.database import database_in_use

    with database_in_use(make=False) as use:
        facts = asyncio.run(_facts(use))
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        shown = ", ".join(value) or "none" if isinstance(value, list) else value
        label = name.replace("_", " ")
        console().print(f"{label:<12} {shown}", markup=False, soft_wrap=True)


@app.command()
def backup(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="New file; by default one named by the time in KTRDR_HOME/backups.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write operations, queue and tokens to one file; models and results lie apart."""
    from ktrdr.cli.output import console, print_json
    from ktrdr.database import backup, database_in_use

    with database_in_use(make=False) as use:
        made = backup(use.url, path or _default_path())
    if as_json:
        document = {"path": str(made.path), "size_bytes": made.size_bytes}
        print_json({**document, "schema": made.schema})
        return
    size = f"{made.size_bytes:,} bytes, schema {made.schema}"
    console().print(f"{made.path}: {size}", markup=False, soft_wrap=True)


@app.command()
def restore(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Made by `db backup`.")],
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Let it take the place of what is there."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Load a backup, all of it or nothing, and bring it to the schema of this ktrdr."""
    from ktrdr.cli.output import console, print_json
    from ktrdr.database import database_in_use, restore

    with database_in_use() as use:
        done = restore(use.url, path, replace=replace)
    found = done.backup
    if as_json:
        document = {"path": str(path), "schema": found.schema}
        print_json({**document, "applied": done.upgraded})
        return
    newer = f", then {', '.join(done.upgraded)}" if done.upgraded else ""
    console().print(
        f"Restored {path} with schema {found.schema}{newer}.",
        markup=False,
        soft_wrap=True,
    )


async def _upgrade(url: str) -> "tuple[list[str], SchemaState]":
    from ktrdr.database import Database, schema_state, upgrade

    async with Database(url, max_size=1, application_name="ktrdr db") as database:
        applied = await upgrade(database)
        return applied, await schema_state(database)


async def _facts(use: "DatabaseUse") -> dict[str, object]:
    from ktrdr.database import Database, schema_state

    async with Database(use.url, max_size=1, application_name="ktrdr db") as database:
        state = await schema_state(database)
        server, size = await database.server_facts()
    return {
        "database": database.place,
        "server": f"PostgreSQL {server}",
        "embedded": use.is_embedded,
        "was_running": use.was_running,
        "size_bytes": size,
        "schema": state.version,
        "pending": [one.name for one in state.pending],
    }


def _default_path() -> Path:
    from datetime import UTC, datetime

    from ktrdr.settings import settings

    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return settings().home / "backups" / f"ktrdr-{now}.dump"
