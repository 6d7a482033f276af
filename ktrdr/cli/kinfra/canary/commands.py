"""The commands ``kinfra canary``."""

from typing import TYPE_CHECKING

import typer

from ktrdr.cli.kinfra.images.options import EngineName
from ktrdr.cli.options import AsJson

if TYPE_CHECKING:
    from ktrdr.cli.kinfra.environments.environment import Environment
    from ktrdr.cli.kinfra.images.contract import Contract

app = typer.Typer(
    help="Try the images `:test` as a system, before they go out.",
    no_args_is_help=True,
)


@app.command()
def up(engine: EngineName = None, as_json: AsJson = False) -> None:
    """Build the images that are missing, start it, wait until all of it is well."""
    from ktrdr.cli.kinfra.canary.environment import build_missing
    from ktrdr.cli.kinfra.environments.view import start_and_tell

    contract, environment = _canary(engine)
    build_missing(contract, environment)
    start_and_tell(environment, as_json=as_json)


@app.command("test")
def try_canary(engine: EngineName = None, as_json: AsJson = False) -> None:
    """Train, backtest, cancel, kill a worker: for real, in the running canary."""
    from ktrdr.cli.display import Display
    from ktrdr.cli.kinfra.canary.functional import functional_checks
    from ktrdr.cli.kinfra.images.verify import Report, print_reports
    from ktrdr.cli.output import print_json

    _, environment = _canary(engine)
    with Display(is_silent=as_json) as display:
        checks = tuple(functional_checks(environment, display))
    report = Report(
        key="canary",
        reference=environment.name,
        engine=environment.compose.engine.name,
        checks=checks,
    )
    if as_json:
        print_json(report.document())
    else:
        print_reports([report])
    if report.has_failed:
        raise typer.Exit(1)


@app.command()
def status(engine: EngineName = None, as_json: AsJson = False) -> None:
    """Show its containers; ends with 1 unless all are well."""
    from ktrdr.cli.kinfra.environments.view import tell_status

    tell_status(_canary(engine)[1], as_json=as_json)


@app.command()
def down(engine: EngineName = None) -> None:
    """Remove it with all its data."""
    from ktrdr.cli.kinfra.canary.environment import remove

    remove(_canary(engine)[1])


def _canary(engine: str | None) -> "tuple[Contract, Environment]":
    from ktrdr.cli.kinfra.canary.environment import canary
    from ktrdr.cli.kinfra.images.contract import load_contract
    from ktrdr.cli.kinfra.images.engine import Engine

    contract = load_contract()
    return contract, canary(contract, Engine.find(engine))
