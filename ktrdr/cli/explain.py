"""``ktrdr models explain``: membership functions drawn, decisions told in words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ktrdr.cli.options import AsJson, ModelName, Url

if TYPE_CHECKING:
    from ktrdr.features import FeatureMatrix
    from ktrdr.models import Explanation, MembershipCurves


def explain(
    model: ModelName,
    symbol: Annotated[
        str | None, typer.Option(help="Whose bars; if none, the model's first symbol.")
    ] = None,
    at: Annotated[
        list[str] | None,
        typer.Option(help="A moment within the bar, UTC, ISO 8601; may be repeated."),
    ] = None,
    last: Annotated[
        int | None, typer.Option(min=1, max=1000, help="So many of the newest bars.")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Draw a model's membership functions and tell in words why it decided.

    Without --at and --last, the newest bar is told about. The contributions add up
    to the difference between the bar's margin and the average training bar's.
    """
    from ktrdr.cli.output import print_json
    from ktrdr.cli.stores import artifact_store
    from ktrdr.data import BarStore
    from ktrdr.features import indicator_values
    from ktrdr.models import (
        ask_about_stored,
        explain_asked,
        explanation_document,
        find_model,
        load_bundle,
        membership_curves,
    )

    store = artifact_store(url)
    bundle = load_bundle(store, find_model(store, model).digest)
    asked = ask_about_stored(bundle, BarStore(store), symbol or None)
    found = explain_asked(asked, at or (), last)
    if as_json:
        print_json(explanation_document(asked, found).model_dump(mode="json"))
        return
    values = indicator_values(bundle.strategy, asked.loaded.bars)
    row = int(values.time.searchsorted(found[-1].time))
    curves = membership_curves(bundle.strategy, bundle.fitted, n_points=61)
    _print_memberships(curves, values[row : row + 1])
    for one in found:
        _print_explanation(one)


def _print_memberships(
    curves: Sequence["MembershipCurves"], values: "FeatureMatrix"
) -> None:
    from ktrdr.cli.output import console
    from ktrdr.models import draw_memberships

    marks = dict(zip(values.names, values.values[0].tolist(), strict=True))
    for one in curves:
        console().print(draw_memberships(one, marked=marks[one.key]), markup=False)
        console().print()


def _print_explanation(one: "Explanation") -> None:
    from rich.table import Table

    from ktrdr.cli.output import console

    table = Table(box=None, pad_edge=False)
    for name in ("input", "feature"):
        table.add_column(name)
    for name in ("value", "training mean", "contribution"):
        table.add_column(name, justify="right")
    for whole in one.inputs:
        table.add_row(whole.words, "", "", "", f"{whole.amount:+.4f}", style="bold")
        for part in one.features:
            if part.group == whole.group:
                numbers = (f"{part.value:.3f}", f"{part.reference:.3f}")
                table.add_row("", part.name, *numbers, f"{part.amount:+.4f}")
    total = one.margin - one.reference_margin
    table.add_row("all together", "", "", "", f"{total:+.4f}", style="bold")
    console().print(one.words, markup=False)
    console().print(table)
    console().print()
