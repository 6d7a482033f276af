"""A trained model as the terminal shows it; imported by commands when needed."""

from collections.abc import Sequence

from rich.table import Table

from ktrdr.models import Metrics, PartName, SplitRecord

KINDS = ("model", "linear", "majority")
PARTS: tuple[PartName, ...] = ("train", "validation", "test")
# Shown beside the baselines; `--json` has all the others too.
_MEASURES = (
    "balanced_accuracy",
    "accuracy",
    "macro_f1",
    "log_loss",
    "log_loss_skill",
    "rmse",
    "mae",
    "r2",
    "correlation",
    "sign_accuracy",
    "loss",
)


def plain_table(*columns: str, right: Sequence[str] = ()) -> Table:
    """Return a table without lines; those of ``columns`` in ``right`` are numbers."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(
            column,
            justify="right" if column in right else "left",
            overflow="fold",
            no_wrap=column != "test measure",
        )
    return table


def number(value: float | None) -> str:
    """Return a measure's value, a dash where it is not defined."""
    return "-" if value is None else f"{value:.4g}"


def split_table(split: SplitRecord) -> Table:
    """Return where the parts of the split lie and how many samples they hold."""
    counts = ["samples", "purged"]
    table = plain_table("part", "from", "to", *counts, right=counts)
    for name in PARTS:
        part = getattr(split, name)
        cells = (f"{part.n_samples:,}", f"{part.n_purged:,}")
        table.add_row(name, part.start, part.end, *cells)
    return table


def measures_table(metrics: Metrics, parts: Sequence[PartName] = PARTS) -> Table:
    """Return the measures of a model beside those of its baselines."""
    table = plain_table("measure", "part", *KINDS, right=KINDS)
    for name in _MEASURES:
        label = name.replace("_", " ")
        for part in parts:
            kinds = metrics[part] if part in metrics else {}
            found = [kinds[kind] if kind in kinds else {} for kind in KINDS]
            if any(name in measures for measures in found):
                cells = (number(measures.get(name)) for measures in found)
                table.add_row(label, part, *cells)
                label = ""
    return table
