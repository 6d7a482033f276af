"""``ktrdr train``: train a strategy's network and store it as a model."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ktrdr.cli.options import AsJson, Detach, Device, Priority, StrategyName, Url


def train(
    strategy: StrategyName,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on from the checkpoint of the same run."),
    ] = False,
    device: Device = "auto",
    priority: Priority = 0,
    detach: Detach = False,
    url: Url = None,
    as_json: AsJson = False,
) -> str:
    """Train a strategy's network on stored bars, measure it and store the model."""
    from ktrdr.cli.session import WorkOptions, do_work, make_start
    from ktrdr.cli.strategy_source import strategy_source
    from ktrdr.errors import JobCancelled
    from ktrdr.schemas import TrainingStart

    source = strategy_source(strategy, url)
    start = make_start(TrainingStart, **source.fields, device=device, priority=priority)
    options = WorkOptions(url=url, detach=detach, as_json=as_json, resume=resume)
    try:
        result = do_work(start, options)
    except KeyboardInterrupt:
        raise JobCancelled(
            f"interrupted; `ktrdr train {strategy} --resume` goes on from the last "
            "checkpoint, if one was written yet"
        ) from None
    print_training(result, url=url, as_json=as_json)
    return f"{result['name']}@{result['version']}"


def print_training(
    result: Mapping[str, Any], *, url: str | None = None, as_json: bool
) -> None:
    """Print what came out of a training."""
    from ktrdr.cli.output import print_json

    if as_json:
        print_json(result)
    else:
        _print_summary(result, url)


def _print_summary(result: Mapping[str, Any], url: str | None) -> None:
    from ktrdr.cli.model_view import measures_table, split_table
    from ktrdr.cli.output import console
    from ktrdr.cli.stores import artifact_store
    from ktrdr.models import load_manifest

    manifest = load_manifest(artifact_store(url), result["model"])
    epochs = f"{result['best_epoch']} of {result['n_epochs']} epochs kept"
    stopped = ", stopped early" if result["stopped_early"] else ""
    out = console()
    out.print(f"Trained [bold]{manifest.title}[/bold] in {result['seconds']:.1f} s")
    out.print(f"{result['n_features']} features; epoch {epochs}{stopped}\n")
    out.print(split_table(manifest.split))
    out.print()
    out.print(measures_table(manifest.metrics, ("validation", "test")))
    out.print()
    for sentence in result["verdict"]["sentences"]:
        out.print(sentence, markup=False)
    out.print(f"\nNext: ktrdr backtest {manifest.title}", markup=False)
