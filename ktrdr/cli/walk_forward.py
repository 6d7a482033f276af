"""``ktrdr walk-forward``: train and test on windows that move through time."""

from typing import Annotated

import typer

from ktrdr.cli.options import (
    AsJson,
    Detach,
    Device,
    Jobs,
    Priority,
    StrategyName,
    Symbol,
    Url,
)


def walk_forward(
    strategy: StrategyName,
    windows: Annotated[
        int, typer.Option(min=2, max=500, help="How many, with tests of equal length.")
    ] = 5,
    anchored: Annotated[
        bool,
        typer.Option(
            "--anchored",
            help="Begin every training at the first bar, instead of rolling along.",
        ),
    ] = False,
    train_fraction: Annotated[
        float,
        typer.Option(
            min=0.1, max=0.95, help="Training and validation in all bars of a window."
        ),
    ] = 0.75,
    symbol: Symbol = None,
    device: Device = "auto",
    jobs: Jobs = None,
    priority: Priority = 0,
    detach: Detach = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Train a strategy again and again on earlier bars and test it on later ones."""
    from ktrdr.cli.session import WorkOptions, do_work, make_start
    from ktrdr.cli.strategy_source import strategy_source
    from ktrdr.cli.study_view import print_study
    from ktrdr.schemas import WalkForwardStart

    start = make_start(
        WalkForwardStart,
        **strategy_source(strategy, url).fields,
        n_windows=windows,
        is_anchored=anchored,
        train_fraction=train_fraction,
        symbol=symbol,
        device=device,
        priority=priority,
    )
    options = WorkOptions(url=url, detach=detach, as_json=as_json, n_jobs=jobs)
    print_study(do_work(start, options), as_json=as_json)
