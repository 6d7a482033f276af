"""``ktrdr train``: train a strategy's network and store it as a model."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ktrdr.cli.options import AsJson, StrategyName

if TYPE_CHECKING:
    from ktrdr.data import BarStore
    from ktrdr.strategy import Strategy


def train(
    strategy: StrategyName,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on from the checkpoint of the same run."),
    ] = False,
    device: Annotated[
        Literal["auto", "cpu", "cuda", "mps"],
        typer.Option(help="Where to train; auto takes CUDA where there is any."),
    ] = "auto",
    as_json: AsJson = False,
) -> str:
    """Train a strategy's network on stored bars, measure it and store the model."""
    from ktrdr.cli.jobs import run_job
    from ktrdr.cli.output import print_json
    from ktrdr.cli.stores import artifact_store
    from ktrdr.data import BarStore
    from ktrdr.errors import JobCancelled
    from ktrdr.schemas import TrainingRequest
    from ktrdr.settings import settings
    from ktrdr.strategy import find_strategy, parse_strategy, read_strategy_text

    path = find_strategy(strategy)
    text = read_strategy_text(path)
    parsed = parse_strategy(text, source=str(path))
    _require_bars(BarStore(artifact_store()), parsed)
    request = TrainingRequest(
        strategy=text,
        source=str(path),
        store=str(settings().store_path),
        checkpoints=str(settings().checkpoints_path),
        resume=resume,
        device=device,
        threads=settings().threads,
    )
    try:
        result = run_job("ktrdr.workers.training_job", request, as_json=as_json)
    except KeyboardInterrupt:
        raise JobCancelled(
            f"interrupted; `ktrdr train {strategy} --resume` goes on from the last "
            "checkpoint, if one was written yet"
        ) from None
    if as_json:
        print_json(result)
    else:
        _print_summary(result)
    return f"{result['name']}@{result['version']}"


def _require_bars(bar_store: "BarStore", strategy: "Strategy") -> None:
    from ktrdr.data import Timeframe
    from ktrdr.errors import NotFoundError

    data = strategy.training_data
    base = Timeframe(data.base_timeframe)
    missing = [name for name in data.symbols if bar_store.find(name, base) is None]
    if not missing:
        return
    advice = [f"import them with `ktrdr data import FILE --timeframe {base}`"]
    if "EURUSD" in missing and base is Timeframe.H1:
        advice.append("install real EURUSD 1h bars of 2017 with `ktrdr data sample`")
    for stored in bar_store.list():
        is_shorter = stored.timeframe.milliseconds < base.milliseconds
        if stored.symbol in missing and is_shorter:
            command = f"ktrdr data resample {stored.symbol} --to {base}"
            advice.append(f"make them from {stored.timeframe} bars with `{command}`")
    raise NotFoundError(
        f"strategy {strategy.name} needs {base} bars of {', '.join(missing)}, "
        f"which are not stored: {', or '.join(advice)}"
    )


def _print_summary(result: dict[str, Any]) -> None:
    from ktrdr.cli.model_view import measures_table, split_table
    from ktrdr.cli.output import console
    from ktrdr.cli.stores import artifact_store
    from ktrdr.models import load_manifest

    manifest = load_manifest(artifact_store(), result["model"])
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
