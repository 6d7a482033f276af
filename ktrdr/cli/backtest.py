"""``ktrdr backtest``: trade a model's decisions on stored bars."""

from typing import Annotated, Literal

import typer

from ktrdr.cli.options import AsJson, ModelName

_JOB = "ktrdr.workers.backtest_job"


def backtest(
    model: ModelName,
    symbol: Annotated[
        str | None,
        typer.Option(help="Symbol to trade; the strategy's first if left out."),
    ] = None,
    part: Annotated[
        Literal["test", "all"],
        typer.Option(
            help="Bars held out from training, or all that are stored, those that "
            "the model has seen included."
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
    as_json: AsJson = False,
) -> str:
    """Backtest a model: by default on the bars that it has not seen."""
    from ktrdr.cli.jobs import run_job
    from ktrdr.cli.output import print_json
    from ktrdr.schemas import BacktestRequest
    from ktrdr.settings import settings

    request = BacktestRequest(
        model=model,
        store=str(settings().store_path),
        symbol=symbol,
        part=part,
        start=start,
        end=end,
        seed=seed,
        resamples=resamples,
    )
    outcome = run_job(_JOB, request, as_json=as_json)
    if as_json:
        print_json(outcome)
    else:
        _print(outcome)
    return str(outcome["digest"])


def _print(outcome: dict[str, object]) -> None:
    import json

    from ktrdr.backtesting import parse_result_manifest
    from ktrdr.cli.output import console
    from ktrdr.cli.result_view import print_result

    document = json.dumps(outcome["manifest"]).encode()
    manifest = parse_result_manifest(document, "the job's result")
    print_result(console(), str(outcome["digest"]), manifest)
