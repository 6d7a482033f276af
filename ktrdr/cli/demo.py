"""``ktrdr demo``: the main job on the sample bars, from data to report."""

from typing import Annotated

import typer


def demo(
    strategy: Annotated[
        str, typer.Option(help="Strategy to run; it must trade EURUSD 1h.")
    ] = "momentum",
) -> None:
    """Train and backtest a strategy on real EURUSD bars of 2017 and write a report."""
    from ktrdr.cli.backtest import backtest
    from ktrdr.cli.report import report
    from ktrdr.cli.stores import artifact_store
    from ktrdr.cli.train import train
    from ktrdr.data import BarStore, install_sample
    from ktrdr.settings import settings

    _say(f"1/4 Data: the sample set, kept in {settings().home}")
    snapshot = install_sample(BarStore(artifact_store()))
    bars = f"{snapshot.n_bars:,} bars of {snapshot.symbol} {snapshot.timeframe}"
    _say(f"    {bars}, {snapshot.start} to {snapshot.end}")
    _say(f"\n2/4 Training: {strategy}")
    # By what each step made, as another ktrdr may be at work beside this one.
    model = train(strategy)
    _say("\n3/4 Backtest: on the bars that the model has not seen")
    result = backtest(model)
    _say("\n4/4 Report")
    report(result)


def _say(line: str) -> None:
    from ktrdr.cli.output import console

    console().print(line, markup=False, soft_wrap=True)
