"""The command ``ktrdr``: which commands there are."""

import sys
from typing import Annotated

import typer

from ktrdr.cli import (
    auth,
    data,
    db,
    indicators,
    models,
    ops,
    results,
    store,
    strategies,
    studies,
    worker,
)
from ktrdr.cli.backtest import backtest
from ktrdr.cli.border import run
from ktrdr.cli.demo import demo
from ktrdr.cli.down import down
from ktrdr.cli.report import report
from ktrdr.cli.rerun import rerun
from ktrdr.cli.serve import serve
from ktrdr.cli.status import status
from ktrdr.cli.sweep import sweep
from ktrdr.cli.train import train
from ktrdr.cli.up import up
from ktrdr.cli.walk_forward import walk_forward
from ktrdr.cli.workers import workers

app = typer.Typer(
    name="ktrdr",
    help="Research neuro-fuzzy trading strategies: train, backtest, explain, report.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(demo)
app.command()(up)
app.command()(status)
app.command()(down)
app.command()(serve)
app.add_typer(auth.app, name="auth")
app.add_typer(data.app, name="data")
app.add_typer(db.app, name="db")
app.add_typer(indicators.app, name="indicators")
app.add_typer(strategies.app, name="strategies")
app.command()(train)
app.add_typer(models.app, name="models")
app.command()(backtest)
app.command()(sweep)
app.command("walk-forward")(walk_forward)
app.add_typer(studies.app, name="studies")
app.add_typer(results.app, name="results")
app.command()(report)
app.command()(rerun)
app.add_typer(ops.app, name="ops")
app.add_typer(worker.app, name="worker")
app.command()(workers)
app.add_typer(store.app, name="store")


@app.callback(invoke_without_command=True)
def _options(
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.")
    ] = False,
) -> None:
    if show_version:
        from ktrdr.build_info import build_info

        info = build_info()
        typer.echo(f"ktrdr {info.version} ({info.commit}), Python {info.python}")
        raise typer.Exit


def main() -> None:
    """Run the command; end with the exit code of what went wrong, if anything did."""
    sys.exit(run(app))
