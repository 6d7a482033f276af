"""``ktrdr sweep``: try a strategy with many values of its parameters."""

from typing import Annotated, Literal

import typer

from ktrdr.cli.completion import complete_model, complete_strategy
from ktrdr.cli.options import AsJson, Detach, Device, Jobs, Priority, Symbol, Url


def sweep(
    strategy: Annotated[
        str | None,
        typer.Argument(
            metavar="[STRATEGY]",
            help="Name of a strategy or path of its file: what has to be is trained "
            "anew.",
            autocompletion=complete_strategy,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Instead, a trained model: only paths below backtest and decisions.",
            autocompletion=complete_model,
        ),
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUES",
            help="Values of a parameter, such as backtest.stops.stop_loss=0.002,0.004, "
            "or indicators.rsi.timeperiod=7..21..7 in steps. May be repeated.",
        ),
    ] = None,
    interval: Annotated[
        list[str] | None,
        typer.Option(
            "--range",
            metavar="PATH=LOW:HIGH",
            help="Interval to draw from, with --random; :log draws evenly in the "
            "logarithm, :int whole numbers. May be repeated.",
        ),
    ] = None,
    random: Annotated[
        int | None,
        typer.Option(
            "--random",
            metavar="N",
            min=1,
            max=20_000,
            help="Draw N points instead of trying all combinations.",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**31 - 1, help="Of the drawing.")
    ] = 0,
    metric: Annotated[
        str, typer.Option(help="Measure that ranks the trials, the highest first.")
    ] = "sharpe",
    part: Annotated[
        Literal["validation", "test", "all"],
        typer.Option(
            help="Bars on which trials are ranked. To choose by the test part leaves "
            "nothing to test the chosen one on."
        ),
    ] = "validation",
    symbol: Symbol = None,
    device: Device = "auto",
    jobs: Jobs = None,
    priority: Priority = 0,
    detach: Detach = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Try a strategy or model with many values of its parameters and rank them."""
    from ktrdr.cli.parameters import parse_parameters
    from ktrdr.cli.session import WorkOptions, do_work, make_start
    from ktrdr.cli.study_view import print_study
    from ktrdr.schemas import SweepStart

    parameters = parse_parameters(values or (), interval or ())
    start = make_start(
        SweepStart,
        **_what(strategy, model, url),
        parameters=parameters,
        method="grid" if random is None else "random",
        n_points=random,
        seed=seed,
        symbol=symbol,
        part=part,
        metric=metric,
        device=device,
        priority=priority,
    )
    options = WorkOptions(url=url, detach=detach, as_json=as_json, n_jobs=jobs)
    print_study(do_work(start, options), as_json=as_json)


def _what(
    strategy: str | None, model: str | None, url: str | None
) -> dict[str, object]:
    from ktrdr.cli.strategy_source import strategy_source
    from ktrdr.errors import InputError

    if (strategy is None) == (model is None):
        raise InputError(
            "name either a strategy, as in `ktrdr sweep momentum`, or a trained model, "
            "as in `ktrdr sweep --model momentum`"
        )
    if strategy is None:
        return {"model": model}
    return strategy_source(strategy, url).fields
