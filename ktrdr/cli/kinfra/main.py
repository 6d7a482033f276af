"""The command ``kinfra``: which commands there are."""

import sys

import typer

from ktrdr.cli.border import run
from ktrdr.cli.options import AsJson

app = typer.Typer(
    name="kinfra",
    help="Run ktrdr as a system: its images, environments and deployment.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _group() -> None:
    # Keeps kinfra a group of commands while it has only one.
    pass


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
    for name, value in {**info, **libraries}.items():
        console().print(f"{name:14}{value}", markup=False)


def main() -> None:
    """Run the command and leave with its exit code."""
    sys.exit(run(app))
