"""Options that several commands on images take."""

from typing import Annotated

import typer

EngineName = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="docker|podman",
        help="Container engine; by default KTRDR_ENGINE, or the one that answers.",
    ),
]
EveryImage = Annotated[bool, typer.Option("--all", help="All images of the table.")]
