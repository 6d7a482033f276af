"""``ktrdr models``: which models there are, where they come from, why they decide."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ktrdr.cli.completion import complete_model
from ktrdr.cli.explain import explain
from ktrdr.cli.options import AsJson, ModelName, Url

if TYPE_CHECKING:
    from rich.table import Table

    from ktrdr.features import SnapshotUse
    from ktrdr.models import FitRecord, Manifest, ModelRef

app = typer.Typer(no_args_is_help=True, help="Look at trained models.")
app.command()(explain)

# Shown in lists: the first of them that a model has.
_HEADLINES = ("balanced_accuracy", "rmse")


@app.command("list")
def list_models(url: Url = None, as_json: AsJson = False) -> None:
    """List all models, each with its most telling measure beside the baselines."""
    from ktrdr.cli.model_view import KINDS, plain_table
    from ktrdr.cli.output import console, notes, print_json
    from ktrdr.cli.stores import artifact_store
    from ktrdr.models import list_models as all_models
    from ktrdr.models import load_manifests, model_summary

    store = artifact_store(url)
    found = load_manifests(store, all_models(store))
    if as_json:
        print_json([model_summary(*one).model_dump(mode="json") for one in found])
        return
    if not found:
        notes().print("No models yet: train one with `ktrdr train`.")
        return
    columns = ("model@version", "symbols", "stored", "test measure", *KINDS)
    table = plain_table(*columns, right=KINDS)
    for ref, manifest in found:
        measure, values = _headline(manifest)
        table.add_row(
            str(ref),
            _some(manifest.symbols),
            manifest.created_at[:10],
            measure,
            *values,
        )
    console().print(table)


@app.command()
def show(
    model: ModelName,
    history: Annotated[
        bool, typer.Option("--history", help="Show every epoch.")
    ] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show where a model comes from and how good it is beside its baselines."""
    from ktrdr.cli.model_view import measures_table, split_table
    from ktrdr.cli.output import console, print_json
    from ktrdr.cli.stores import artifact_store
    from ktrdr.models import find_model, load_bundle, model_detail

    store = artifact_store(url)
    ref = find_model(store, model)
    bundle = load_bundle(store, ref.digest)
    manifest = bundle.manifest
    if as_json:
        print_json(model_detail(bundle).model_dump(mode="json"))
        return
    out = console()
    for name, value in _facts(ref, manifest).items():
        out.print(f"{name:<10} {value}", markup=False, soft_wrap=True)
    out.print("\nData", style="bold")
    for use in manifest.snapshots:
        out.print(_snapshot_words(use), markup=False, soft_wrap=True)
    out.print("\nSplit", style="bold")
    out.print(split_table(manifest.split))
    out.print("\nMeasures", style="bold")
    out.print(measures_table(manifest.metrics))
    out.print("\nTraining", style="bold")
    out.print(_fit_words(manifest.fit), markup=False)
    if history:
        out.print(_history_table(manifest.fit))


@app.command()
def delete(
    model: Annotated[
        str,
        typer.Argument(
            help="The model as name@version, or its whole digest.",
            autocompletion=complete_model,
        ),
    ],
    force: Annotated[
        bool, typer.Option("--force", help="Even if results refer to it.")
    ] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Delete a model; results that were made with it stay."""
    from ktrdr.backtesting import delete_named_model
    from ktrdr.cli.output import console, print_json
    from ktrdr.cli.stores import artifact_store
    from ktrdr.cli.system import client_of, system_url

    found = system_url(url)
    if found is None:
        delete_named_model(artifact_store(), model, force=force)
    else:
        client_of(found).models.delete(model, force=force)
    if as_json:
        print_json({"deleted": model})
    else:
        console().print(f"Deleted {model}.", markup=False, soft_wrap=True)


def _some(symbols: Sequence[str]) -> str:
    shown = ", ".join(symbols[:3])
    return shown if len(symbols) <= 3 else f"{shown} and {len(symbols) - 3} more"


def _headline(manifest: "Manifest") -> tuple[str, list[str]]:
    from ktrdr.cli.model_view import KINDS, number

    test = manifest.metrics.get("test", {})
    own = test["model"] if "model" in test else {}
    name = next((name for name in _HEADLINES if name in own), "")
    values = [test[kind].get(name) if kind in test else None for kind in KINDS]
    return name.replace("_", " "), [number(value) for value in values]


def _facts(ref: "ModelRef", manifest: "Manifest") -> dict[str, str]:
    network, features = manifest.network, manifest.features
    layers = " - ".join(map(str, network.layer_sizes))
    environment = ", ".join(
        f"{name} {value}" for name, value in manifest.environment.items()
    )
    return {
        "model": str(ref),
        "manifest": ref.digest,
        "stored": manifest.created_at,
        "strategy": f"{manifest.name}, digest {manifest.strategy_digest}",
        "symbols": ", ".join(manifest.symbols),
        "network": f"{network.type} {layers}, {network.activation}, "
        f"to {', '.join(network.outputs)}",
        "features": f"{len(features.names)}, fingerprint {features.fingerprint}, "
        f"code version {features.code_version}",
        "weights": f"{manifest.weights.digest}, {manifest.weights.size:,} bytes",
        "made with": environment,
    }


def _snapshot_words(use: "SnapshotUse") -> str:
    made = "resampled from snapshot" if use.is_resampled else "snapshot"
    return (
        f"{use.symbol} {use.timeframe}: {use.n_bars:,} bars, {use.start} to {use.end}, "
        f"{made} {use.digest[:12]}, {use.source}"
    )


def _fit_words(fit: "FitRecord") -> str:
    stop = "stopped early" if fit.stopped_early else "ran all its epochs"
    return (
        f"{fit.epochs_run} epochs, {stop}; weights of epoch {fit.best_epoch} kept; "
        f"seed {fit.seed}, {fit.seconds:.1f} s, {fit.threads} thread(s), "
        f"{fit.cpu_capability}"
    )


def _history_table(fit: "FitRecord") -> "Table":
    from ktrdr.cli.model_view import plain_table

    columns = ("epoch", "train loss", "validation loss", "learning rate")
    table = plain_table(*columns, "", right=columns)
    for epoch in fit.history:
        table.add_row(
            str(epoch.epoch),
            f"{epoch.train_loss:.6f}",
            "-" if epoch.validation_loss is None else f"{epoch.validation_loss:.6f}",
            f"{epoch.learning_rate:.3g}",
            "kept" if epoch.epoch == fit.best_epoch else "",
        )
    return table
