"""``ktrdr store``: look after the artifact store."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ktrdr.cli.options import AsJson

if TYPE_CHECKING:
    from ktrdr.database import Database
    from ktrdr.storage import ArtifactStore, GcReport, NeededBlobs, VerifyReport

app = typer.Typer(no_args_is_help=True, help="Look after the artifact store.")
_PROBLEMS_EXIT_CODE = 1
_SHOWN = 20


@app.command()
def info(as_json: AsJson = False) -> None:
    """Show where the store is and how much is in it."""
    from ktrdr.cli.output import console, print_json
    from ktrdr.storage import summarize

    found = summarize(_store())
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    out = console()
    out.print(f"store    {found.location}", markup=False, soft_wrap=True)
    out.print(f"blobs    {found.n_blobs:,}, {_size(found.n_bytes)}")
    for kind, count in found.n_records.items():
        out.print(f"{kind:<8} {count:,}", markup=False)


@app.command()
def verify(as_json: AsJson = False) -> None:
    """Read everything in the store and tell what is damaged or missing.

    The exit code is 0 if all is well and 1 if there are problems.
    """
    from ktrdr.cli.display import Display
    from ktrdr.cli.output import print_json
    from ktrdr.storage import verify as verify_store

    with Display(is_silent=as_json) as display:
        found = verify_store(_store(), _needed(), display)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        _print_verification(found)
    if found.problems:
        raise typer.Exit(_PROBLEMS_EXIT_CODE)


@app.command()
def gc(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would be deleted.")
    ] = False,
    min_age_hours: Annotated[
        float,
        typer.Option(
            min=0,
            help="Leave what is younger: a running job's files are not listed yet.",
        ),
    ] = 24.0,
    without_operations: Annotated[
        bool,
        typer.Option(
            "--without-operations",
            help="Don't ask a database which checkpoints are needed: there is none.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Delete what nothing refers to: no model, result, bars or operation."""
    from datetime import timedelta

    from ktrdr.cli.display import Display
    from ktrdr.cli.output import print_json
    from ktrdr.storage import gc as collect

    with _operations_database(is_left_out=without_operations) as url:
        with Display(is_silent=as_json) as display:
            found = collect(
                _store(),
                dry_run=dry_run,
                min_age=timedelta(hours=min_age_hours),
                keep=lambda: _named_by_operations(url) if url else (),
                progress=display,
            )
    if as_json:
        document = found.model_dump(mode="json")
        print_json({**document, "n_bytes_deleted": found.n_bytes_deleted})
        return
    _print_collection(found)


def _store() -> "ArtifactStore":
    # Itself, not a backend's copy of it, and without a cache, which hides damage.
    from ktrdr.settings import settings
    from ktrdr.storage import ArtifactStore

    return ArtifactStore.open(settings().store_location)


def _needed() -> "dict[str, NeededBlobs]":
    from ktrdr.backtesting import blobs_of_result
    from ktrdr.data import blobs_of_snapshot
    from ktrdr.models import blobs_of_model
    from ktrdr.studies import blobs_of_study

    return {
        "bars": blobs_of_snapshot,
        "models": blobs_of_model,
        "results": blobs_of_result,
        "studies": blobs_of_study,
    }


@contextmanager
def _operations_database(*, is_left_out: bool) -> Iterator[str | None]:
    """Lend the URL of the database that knows the store's operations, if any."""
    from ktrdr.database import EmbeddedPostgres
    from ktrdr.errors import InputError
    from ktrdr.settings import settings

    given = settings().database_url
    if is_left_out:
        yield None
    elif given is not None:
        yield given.get_secret_value()
    elif (server := EmbeddedPostgres()).exists:
        was_started = server.start()
        try:
            yield server.url
        finally:
            if was_started:
                server.stop()
    elif settings().store_url is not None:
        raise InputError(
            "no database is known that could tell which checkpoints in the store at "
            f"{settings().store_location} are needed: set KTRDR_DATABASE_URL, or say "
            "--without-operations if no worker uses that store"
        )
    else:
        yield None


def _named_by_operations(url: str) -> set[str]:
    import asyncio

    from ktrdr.database import Database
    from ktrdr.operations import named_digests

    async def ask(database: "Database") -> set[str]:
        async with database:
            return await named_digests(database)

    return asyncio.run(ask(Database(url, max_size=1)))


def _print_verification(found: "VerifyReport") -> None:
    from ktrdr.cli.output import console

    out = console()
    out.print(
        f"{found.n_blobs:,} blobs ({_size(found.n_bytes)}) and {found.n_records:,} "
        "records read"
    )
    if not found.problems:
        out.print("All is well.", style="green")
        return
    count = len(found.problems)
    out.print(f"{count:,} problem{'' if count == 1 else 's'}:", style="bold red")
    for problem in found.problems:
        kind = problem.kind.replace("_", " ")
        out.print(
            f"  {kind}: {problem.path}: {problem.message}",
            markup=False,
            soft_wrap=True,
        )


def _print_collection(found: "GcReport") -> None:
    from ktrdr.cli.output import console

    out = console()
    verb = "would be deleted" if found.is_dry_run else "deleted"
    for blob in found.deleted[:_SHOWN]:
        out.print(f"{blob.digest}  {_size(blob.size)}")
    if len(found.deleted) > _SHOWN:
        out.print(f"and {len(found.deleted) - _SHOWN:,} more, which --json lists")
    out.print(
        f"{len(found.deleted):,} of {found.n_blobs:,} blobs {verb}, "
        f"{_size(found.n_bytes_deleted)} of {_size(found.n_bytes)}"
    )
    if found.n_young:
        out.print(f"{found.n_young:,} that nothing refers to were left for their age")


def _size(n_bytes: int) -> str:
    if n_bytes < 10**6:
        return f"{n_bytes:,} bytes"
    return f"{n_bytes / 10**6:,.1f} MB"
