"""The commands ``kinfra images``: which there are."""

import typer

from ktrdr.cli.kinfra.images.build_command import build
from ktrdr.cli.kinfra.images.generate_command import generate
from ktrdr.cli.kinfra.images.list_command import list_images
from ktrdr.cli.kinfra.images.matrix_command import show_matrix
from ktrdr.cli.kinfra.images.sbom_command import sbom
from ktrdr.cli.kinfra.images.sizes_command import sizes
from ktrdr.cli.kinfra.images.verify_command import verify

app = typer.Typer(
    help="Build the images, prove them from the inside, weigh them.",
    no_args_is_help=True,
)
app.command("list")(list_images)
app.command()(build)
app.command()(verify)
app.command()(sizes)
app.command()(sbom)
app.command("matrix")(show_matrix)
app.command()(generate)
