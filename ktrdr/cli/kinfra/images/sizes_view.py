"""How the weights of images are shown."""

from collections.abc import Sequence

from rich.table import Table

from ktrdr.cli.kinfra.images.contract import Image
from ktrdr.cli.kinfra.images.sizes import Package, Weight
from ktrdr.cli.output import console

_SHOWN_PACKAGES = 20
_LEGEND = (
    "MB in the files of all layers. before: in the project's first version;\n"
    "pull: layers in zstd; efficiency: share of the bytes that a container sees"
)


def print_weights(weights: Sequence[Weight], absent: Sequence[Image] = ()) -> None:
    """Print a table of the images, then the largest packages of those weighed."""
    console().print(weights_table(weights, absent))
    console().print(_LEGEND)
    for one in weights:
        console().print()
        console().print(packages_table(one))


def weights_table(weights: Sequence[Weight], absent: Sequence[Image] = ()) -> Table:
    """Return a table of images, one a row, in MB; ``absent`` have not been built."""
    table = _table("image", "MB", "budget", "before", "pull", "layers", "efficiency")
    for one in weights:
        table.add_row(
            one.reference,
            f"{one.size_mb:,.0f}",
            f"{one.budget_mb:,}",
            f"{one.seeds_mb:,}",
            f"{one.pull_mb:,.0f}",
            str(one.n_layers),
            f"{one.efficiency:.1%}",
        )
    for image in absent:
        limits = f"{image.budget_mb:,}", f"{image.seeds_mb:,}"
        table.add_row(image.reference, "not built here", *limits)
    return table


def packages_table(weight: Weight) -> Table:
    """Return a table of the largest packages of an image and of all others."""
    table = _table(f"largest packages of {weight.reference}", "MB")
    shown = weight.packages[:_SHOWN_PACKAGES]
    for one in shown:
        table.add_row(f"{one.name} {one.version}", f"{one.size_mb:,.1f}")
    others = weight.packages[_SHOWN_PACKAGES:]
    table.add_row(f"{len(others)} others", f"{_total_mb(others):,.1f}")
    outside = weight.size_mb - _total_mb(weight.packages)
    table.add_row("Python, system libraries, data", f"{outside:,.1f}")
    return table


def _total_mb(packages: Sequence[Package]) -> float:
    return sum(one.size_mb for one in packages)


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for column in others:
        table.add_column(column, no_wrap=True, justify="right")
    return table
