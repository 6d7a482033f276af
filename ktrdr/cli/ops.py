"""``ktrdr ops``: look after the operations of a backend."""

from typing import TYPE_CHECKING, Annotated

import typer

from ktrdr.cli.completion import complete_operation
from ktrdr.cli.options import AsJson, Url

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ktrdr.schemas import OperationDocument

app = typer.Typer(no_args_is_help=True, help="Look after operations of a backend.")

OperationId = Annotated[
    str,
    typer.Argument(
        metavar="OPERATION",
        help="Id of an operation, or its first letters.",
        autocompletion=complete_operation,
    ),
]


@app.command("list")
def list_all(
    state: Annotated[
        list[str] | None,
        typer.Option(
            help="Only in this state: pending, running, cancelling, completed, failed, "
            "cancelled or dead_letter. May be repeated."
        ),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="Only of this kind, such as training. May be repeated."),
    ] = None,
    show_all: Annotated[
        bool, typer.Option("--all", help="Those that studies are made of too.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 20,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List operations, the newest first."""
    from itertools import islice

    from ktrdr.cli.output import console, notes, print_json
    from ktrdr.cli.system import required_client

    every = required_client(url).operations.list(
        states=_states(state or []), kinds=kind or (), with_children=show_all
    )
    found = list(islice(every, limit + 1))
    shown = found[:limit]
    if as_json:
        print_json([one.model_dump(mode="json") for one in shown])
        return
    if not shown:
        notes().print("No such operations.", markup=False)
        return
    from ktrdr.cli.operation_view import operations_table

    console().print(operations_table(shown))
    if len(found) > limit:
        notes().print(f"There are more: --limit {2 * limit} shows them.", markup=False)


@app.command()
def show(operation: OperationId, url: Url = None, as_json: AsJson = False) -> None:
    """Show one operation: its state, progress, attempts and what to do next."""
    from ktrdr.cli.output import console, print_json
    from ktrdr.cli.system import required_client

    found = required_client(url).operations.get(operation)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    from ktrdr.cli.operation_view import print_operation

    print_operation(console(), found)


@app.command()
def follow(operation: OperationId, url: Url = None, as_json: AsJson = False) -> None:
    """Show an operation's progress until it ends, then what came out.

    Ends with the exit code that the operation would have given as a command. Ctrl-C
    leaves it to go on.
    """
    from ktrdr.cli.following import follow_operation, result_of
    from ktrdr.cli.system import required_client

    client = required_client(url)
    found = client.operations.get(operation)
    ended = follow_operation(client, found, as_json=as_json)
    _print_outcome(ended.kind, result_of(ended), url, as_json=as_json)


@app.command()
def result(operation: OperationId, url: Url = None, as_json: AsJson = False) -> None:
    """Show what came out of an operation."""
    from ktrdr.cli.following import result_of
    from ktrdr.cli.system import required_client

    operations = required_client(url).operations
    found = operations.get(operation)
    # The backend says what to do while there is no result yet.
    ended = found.state.is_final
    outcome = result_of(found) if ended else operations.result(found.id)
    _print_outcome(found.kind, outcome, url, as_json=as_json)


@app.command()
def cancel(operation: OperationId, url: Url = None, as_json: AsJson = False) -> None:
    """End an operation; its last checkpoint is kept."""
    from ktrdr.cli.system import required_client

    operations = required_client(url).operations
    cancelled = operations.cancel(operations.get(operation).id)
    at = cancelled.id
    _tell(cancelled, f"`ktrdr ops resume {at}` goes on with it.", as_json=as_json)


@app.command()
def resume(operation: OperationId, url: Url = None, as_json: AsJson = False) -> None:
    """Let a cancelled operation go on from its last checkpoint."""
    from ktrdr.cli.system import required_client

    operations = required_client(url).operations
    resumed = operations.resume(operations.get(operation).id)
    at = resumed.id
    _tell(resumed, f"`ktrdr ops follow {at}` shows its progress.", as_json=as_json)


@app.command()
def retry(operation: OperationId, url: Url = None, as_json: AsJson = False) -> None:
    """Try a failed operation again, or the failed children of a study."""
    from ktrdr.cli.system import required_client

    operations = required_client(url).operations
    retried = operations.retry(operations.get(operation).id)
    at = retried.id
    _tell(retried, f"`ktrdr ops follow {at}` shows its progress.", as_json=as_json)


def _states(words: list[str]) -> "list[Any]":
    from ktrdr.errors import InputError
    from ktrdr.schemas import OperationState

    known = {state.value: state for state in OperationState}
    unknown = [word for word in words if word.lower() not in known]
    if unknown:
        raise InputError(
            f"no state {', '.join(unknown)}: expected one of {', '.join(known)}"
        )
    return [known[word.lower()] for word in words]


def _tell(operation: "OperationDocument", advice: str, *, as_json: bool) -> None:
    from ktrdr.cli.output import console, print_json

    if as_json:
        print_json(operation.model_dump(mode="json"))
        return
    state = operation.state.value.replace("_", " ")
    line = f"Operation {operation.id} is {state}. {advice}"
    console().print(line, markup=False, soft_wrap=True)


def _print_outcome(
    kind: str, outcome: "Mapping[str, Any]", url: str | None, *, as_json: bool
) -> None:
    from ktrdr.cli.output import print_json

    if as_json:
        print_json(outcome)
        return
    from ktrdr.cli.outcomes import print_outcome

    print_outcome(kind, outcome, url)
