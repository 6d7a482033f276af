"""``kinfra rollback``: what ran before the last deployment runs again."""

from typing import Annotated

import typer

from ktrdr.cli.kinfra.deploy.areas import AreaName
from ktrdr.cli.kinfra.deploy.options import WaitS
from ktrdr.cli.options import AsJson


def rollback(
    area: Annotated[
        AreaName | None,
        typer.Argument(help="Part; by default the one that was deployed last."),
    ] = None,
    restore_database: Annotated[
        bool,
        typer.Option(
            "--restore-database",
            help="Restore the backup even if newer operations are lost by it.",
        ),
    ] = False,
    wait_s: WaitS = 180.0,
    as_json: AsJson = False,
) -> None:
    """Undo the last deployment: the very images that ran before it, proven.

    If it had changed the database's schema, the backup made before is restored. A
    second rollback undoes the first.
    """
    from ktrdr.cli.display import Display
    from ktrdr.cli.kinfra.deploy.deploying import roll_back, undoable
    from ktrdr.cli.kinfra.deploy.gate import Gate
    from ktrdr.cli.kinfra.deploy.history import all_records
    from ktrdr.cli.kinfra.deploy.target import Target
    from ktrdr.cli.kinfra.deploy.view import print_record

    undone = undoable(all_records(), area)
    target = Target.find(
        undone.area, folder=undone.folder, engine=undone.engine, context=undone.context
    )
    target.require_host_of(undone)
    with Display(is_silent=as_json) as display:
        record = roll_back(
            target,
            undone,
            restores=restore_database,
            gate=Gate(project=target.project, limit_s=wait_s),
            tell=display.line,
        )
    print_record(record, as_json=as_json)
