"""Do a command's work as an operation of a backend."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from ktrdr.cli.session import WorkOptions
    from ktrdr.client import Client
    from ktrdr.schemas import OperationDocument, WorkStart


def do_remotely(
    client: "Client", start: "WorkStart", options: "WorkOptions"
) -> Mapping[str, Any]:
    """Start the operation, follow it to its end and return its result."""
    from ktrdr.cli.following import follow_operation, result_of

    operation = client.operations.start(start)
    if options.detach:
        _print_started(operation, as_json=options.as_json)
        raise typer.Exit
    return result_of(follow_operation(client, operation, as_json=options.as_json))


def _print_started(operation: "OperationDocument", *, as_json: bool) -> None:
    from ktrdr.cli.output import print_json

    if as_json:
        print_json(operation.model_dump(mode="json"))
    else:
        typer.echo(operation.id)
