"""``ktrdr backtest``: trade a model's decisions on stored bars."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer

from ktrdr.cli.options import AsJson, Detach, ModelName, Priority, Symbol, Url


def backtest(
    model: ModelName,
    symbol: Symbol = None,
    part: Annotated[
        Literal["validation", "test", "all"],
        typer.Option(
            help="Bars held out from training, those that stopped the training, or "
            "all that are stored, those that the model has seen included."
        ),
    ] = "test",
    start: Annotated[
        str | None,
        typer.Option(help="First moment instead of a part, ISO 8601, UTC."),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(help="First moment no longer traded, ISO 8601, UTC."),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE",
            help="A setting below backtest or decisions that replaces the strategy's, "
            "such as backtest.stops.stop_loss=0.004. May be repeated.",
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            min=0, max=2**31 - 1, help="Of the bootstrap and the random entries."
        ),
    ] = 0,
    resamples: Annotated[
        int,
        typer.Option(
            min=100, max=100_000, help="Bootstrap resamples and random-entry runs."
        ),
    ] = 1_000,
    priority: Priority = 0,
    detach: Detach = False,
    url: Url = None,
    as_json: AsJson = False,
) -> str:
    """Backtest a model: by default on the bars that it has not seen."""
    from ktrdr.cli.parameters import parse_overrides
    from ktrdr.cli.session import WorkOptions, do_work, make_start
    from ktrdr.schemas import BacktestStart

    work = make_start(
        BacktestStart,
        model=model,
        symbol=symbol,
        part=part,
        start=start,
        end=end,
        seed=seed,
        resamples=resamples,
        overrides=parse_overrides(sets or ()),
        priority=priority,
    )
    outcome = do_work(work, WorkOptions(url=url, detach=detach, as_json=as_json))
    print_backtest(outcome, as_json=as_json)
    return str(outcome["digest"])


def print_backtest(outcome: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what came out of a backtest."""
    from ktrdr.cli.output import print_json

    if as_json:
        print_json(outcome)
    else:
        _print(outcome)


def _print(outcome: Mapping[str, Any]) -> None:
    import json

    from ktrdr.backtesting import parse_result_manifest
    from ktrdr.cli.output import console
    from ktrdr.cli.result_view import print_result

    document = json.dumps(outcome["manifest"]).encode()
    manifest = parse_result_manifest(document, "the job's result")
    print_result(console(), str(outcome["digest"]), manifest)
