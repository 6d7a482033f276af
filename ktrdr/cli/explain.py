"""``ktrdr models explain``: membership functions drawn, decisions told in words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ktrdr.cli.options import AsJson, ModelName

if TYPE_CHECKING:
    from ktrdr.features import FeatureMatrix, SymbolBars
    from ktrdr.models import Bundle, Contribution, Explanation, MembershipCurves


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
    as_json: AsJson = False,
) -> None:
    """Draw a model's membership functions and tell in words why it decided.

    Without --at and --last, the newest bar is told about. The contributions add up
    to the difference between the bar's margin and the average training bar's.
    """
    from ktrdr.cli.output import print_json
    from ktrdr.cli.stores import artifact_store
    from ktrdr.data import BarStore, parse_symbol
    from ktrdr.features import compute_features, indicator_values, load_symbol_bars
    from ktrdr.models import explain_bars, find_model, load_bundle, membership_curves

    store = artifact_store()
    bundle = load_bundle(store, find_model(store, model).digest)
    chosen = parse_symbol(symbol) if symbol else bundle.manifest.symbols[0]
    loaded = load_symbol_bars(BarStore(store), bundle.strategy, chosen, {})
    matrix = compute_features(bundle.strategy, loaded.bars, bundle.fitted)
    rows = _rows(loaded, matrix, at or (), last)
    start = _start(bundle, matrix, rows)
    found = explain_bars(bundle, matrix[start:], [row - start for row in rows])
    curves = membership_curves(bundle.strategy, bundle.fitted, n_points=61)
    if as_json:
        print_json(_document(bundle, chosen, curves, found))
        return
    values = indicator_values(bundle.strategy, loaded.bars)[rows[-1] : rows[-1] + 1]
    _print_memberships(curves, values)
    for one in found:
        _print_explanation(one)


def _rows(
    loaded: "SymbolBars", matrix: "FeatureMatrix", at: Sequence[str], last: int | None
) -> list[int]:
    import numpy as np

    from ktrdr.errors import InputError
    from ktrdr.features import explain_unknown

    rows = {_row_at(loaded, text) for text in at}
    if rows and last is None:
        return sorted(rows)
    known = np.flatnonzero(matrix.is_known)
    if not known.size:
        raise InputError(f"no bar can be explained: {explain_unknown(matrix)}")
    return sorted(rows | set(known[-(last or 1) :].tolist()))


def _row_at(loaded: "SymbolBars", text: str) -> int:
    import numpy as np

    from ktrdr.data import from_iso, to_iso
    from ktrdr.errors import NotFoundError

    bars = loaded.base
    moment = from_iso(text)
    row = int(np.searchsorted(bars.time, moment, side="right")) - 1
    if row < 0 or moment >= bars.close_time[row]:
        near = bars.time[max(row, 0) : row + 2]
        nearest = " and ".join(to_iso(time) for time in near)
        raise NotFoundError(
            f"no {bars.symbol} {bars.timeframe} bar holds {text}; "
            f"the nearest: {nearest}"
        )
    return row


def _start(bundle: "Bundle", matrix: "FeatureMatrix", rows: Sequence[int]) -> int:
    # Positions carry over from bar to bar: begin where a backtest would.
    import numpy as np

    from ktrdr.data import from_iso

    test = from_iso(bundle.manifest.split.test.start)
    start = int(np.searchsorted(matrix.time, test))
    return start if rows[0] >= start else 0


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


def _document(
    bundle: "Bundle",
    symbol: str,
    curves: Sequence["MembershipCurves"],
    found: Sequence["Explanation"],
) -> dict[str, object]:
    return {
        "model": str(bundle.ref),
        "digest": bundle.digest,
        "symbol": symbol,
        "memberships": [
            {
                "name": one.key,
                "indicator": one.indicator,
                "values": one.values.tolist(),
                "degrees": {name: each.tolist() for name, each in one.degrees.items()},
            }
            for one in curves
        ],
        "bars": [_bar_document(one) for one in found],
    }


def _bar_document(one: "Explanation") -> dict[str, object]:
    from ktrdr.data import to_iso

    return {
        "time": to_iso(one.time),
        "outputs": one.outputs,
        "says": one.says,
        "runner_up": one.runner_up,
        "target": one.target,
        "margin": one.margin,
        "reference_margin": one.reference_margin,
        "inputs": [_contribution_document(each) for each in one.inputs],
        "features": [_contribution_document(each) for each in one.features],
        "words": one.words,
    }


def _contribution_document(one: "Contribution") -> dict[str, object]:
    return {
        "name": one.name,
        "words": one.words,
        "value": one.value,
        "reference": one.reference,
        "contribution": one.amount,
    }
