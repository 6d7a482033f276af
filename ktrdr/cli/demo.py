"""``ktrdr demo``: the main job on the sample bars, from data to report."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer


def demo(
    strategy: Annotated[
        str, typer.Option(help="Strategy to run; it must trade EURUSD 1h.")
    ] = "momentum",
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the system running afterwards.")
    ] = False,
) -> None:
    """Train and backtest a strategy on real EURUSD bars of 2017 and write a report.

    Runs as a user's own work does: a backend and workers are started, do the
    training and the backtest as operations, and are stopped at the end.
    """
    from ktrdr.cli.backtest import backtest
    from ktrdr.cli.report import report
    from ktrdr.cli.stores import artifact_store
    from ktrdr.cli.train import train
    from ktrdr.data import BarStore, install_sample
    from ktrdr.errors import InputError
    from ktrdr.settings import settings

    if settings().api_url is not None:
        raise InputError(
            f"KTRDR_API_URL names {settings().api_url}, and the demo runs a system of "
            "its own: unset it"
        )
    _say(f"1/5 Data: the sample set, kept in {settings().home}")
    snapshot = install_sample(BarStore(artifact_store()))
    bars = f"{snapshot.n_bars:,} bars of {snapshot.symbol} {snapshot.timeframe}"
    _say(f"    {bars}, {snapshot.start} to {snapshot.end}")
    _say("\n2/5 System: database, backend and workers")
    with _system(keep=keep):
        _say(f"\n3/5 Training: {strategy}")
        # By what each step made, as another ktrdr may be at work beside this one.
        model = train(strategy)
        _say("\n4/5 Backtest: on the bars that the model has not seen")
        result = backtest(model)
        _say("\n5/5 Report")
        report(result)


@contextmanager
def _system(*, keep: bool) -> Iterator[None]:
    """Run a system unless one runs; stop it afterwards if it was started here."""
    from ktrdr.cli.local.plan import SystemOptions
    from ktrdr.cli.local.start import start_system, stop_system
    from ktrdr.settings import settings

    options = SystemOptions(host=settings().host, port=settings().port)
    started = start_system(options, port_is_wish=True)
    _say(f"    {'started' if started.is_new else 'runs already'} at {started.url}")
    try:
        yield
    finally:
        if not started.is_new or keep:
            _say(f"\nThe system still runs at {started.url}: `ktrdr down` stops it.")
        else:
            stop_system()


def _say(line: str) -> None:
    from ktrdr.cli.output import console

    console().print(line, markup=False, soft_wrap=True)
