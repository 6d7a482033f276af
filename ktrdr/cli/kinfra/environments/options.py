"""Arguments and options that commands on environments share."""

from typing import Annotated

import typer

SandboxName = Annotated[str, typer.Argument(metavar="NAME", help="Of the sandbox.")]
Service = Annotated[
    str | None,
    typer.Argument(metavar="[SERVICE]", help="Such as backend; all if left out."),
]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")]
Tail = Annotated[int, typer.Option(min=1, help="Lines of each service.")]
BackendImage = Annotated[
    str | None, typer.Option(metavar="REFERENCE", help="Image, by tag or digest.")
]
WorkerImage = Annotated[
    str | None, typer.Option(metavar="REFERENCE", help="Image, by tag or digest.")
]
