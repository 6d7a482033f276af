"""Options that several commands on deployments take."""

from pathlib import Path
from typing import Annotated

import typer

from ktrdr.cli.kinfra.deploy.areas import AreaName

AreaArgument = Annotated[
    AreaName, typer.Argument(help="Part to deploy, each maybe on a host of its own.")
]
Folder = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the compose files; by default the checkout's homelab."
    ),
]
Context = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Docker context, or podman connection, of the host; by default the "
        "engine's own.",
    ),
]
WaitS = Annotated[
    float,
    typer.Option(
        "--wait", min=1, metavar="SECONDS", help="Time that each service has."
    ),
]
