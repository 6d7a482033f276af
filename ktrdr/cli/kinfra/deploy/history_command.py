"""``kinfra history``: what was deployed, and what came of it."""

from typing import Annotated

import typer

from ktrdr.cli.kinfra.deploy.areas import AreaName
from ktrdr.cli.options import AsJson


def history(
    area: Annotated[
        AreaName | None, typer.Argument(help="Part; by default all.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the deployments and rollbacks from this machine, the newest first."""
    from ktrdr.cli.kinfra.deploy.history import all_records
    from ktrdr.cli.kinfra.deploy.view import print_history

    found = [one for one in all_records() if area in (None, one.area)]
    print_history(found[::-1][:limit], as_json=as_json)
