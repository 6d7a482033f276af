"""The command ``kinfra``: which commands there are."""

import signal
import sys

import typer

from ktrdr.cli.border import run
from ktrdr.cli.kinfra import local_prod
from ktrdr.cli.kinfra.canary import commands as canary
from ktrdr.cli.kinfra.deploy.deploy_command import deploy
from ktrdr.cli.kinfra.deploy.history_command import history
from ktrdr.cli.kinfra.deploy.rollback_command import rollback
from ktrdr.cli.kinfra.doctor.command import doctor
from ktrdr.cli.kinfra.images import commands as images
from ktrdr.cli.kinfra.sandboxes import commands as sandboxes
from ktrdr.cli.options import AsJson

app = typer.Typer(
    name="kinfra",
    help="Run ktrdr as a system: its images, environments and deployment.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(images.app, name="images")
app.command()(deploy)
app.command()(rollback)
app.command()(history)
app.add_typer(sandboxes.app, name="sandbox")
app.add_typer(local_prod.app, name="local-prod")
app.add_typer(canary.app, name="canary")
app.command()(doctor)


@app.command("build-info")
def show_build_info(
    as_json: AsJson = False,
) -> None:
    """Show which ktrdr this is: version, commit and libraries."""
    from dataclasses import asdict

    from ktrdr.build_info import build_info
    from ktrdr.cli.output import console, print_json

    info = asdict(build_info())
    if as_json:
        print_json(info)
        return
    libraries = info.pop("libraries")
    known = {name: value for name, value in info.items() if value is not None}
    for name, value in {**known, **libraries}.items():
        console().print(f"{name:14}{value}", markup=False)


def main() -> None:
    """Run the command and leave with its exit code."""
    # Containers and networks that a command made go with it, as at an interrupt.
    for one in (signal.SIGTERM, signal.SIGHUP):
        # Under nohup, a terminal may close.
        if signal.getsignal(one) is not signal.SIG_IGN:
            signal.signal(one, lambda number, _: sys.exit(128 + number))
    sys.exit(run(app))
