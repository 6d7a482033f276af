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
HereImages = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[IMAGE]...", help="Keys or references; by default all that are there."
    ),
]
EveryImage = Annotated[bool, typer.Option("--all", help="All images of the table.")]
