"""``ktrdr up``: run the whole system on this machine."""

from typing import Annotated

import typer

from ktrdr.cli.options import AsJson


def up(
    host: Annotated[
        str | None,
        typer.Option(help="Address to listen on; beyond this machine, tokens rule."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port; by default 8000 or the next free."),
    ] = None,
    backtest_workers: Annotated[
        int | None, typer.Option(min=0, max=256, help="By default a core each.")
    ] = None,
    training_workers: Annotated[
        int | None, typer.Option(min=0, max=64, help="By default one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start database, backend and workers, which go on in the background."""
    from ktrdr.cli.local.plan import SystemOptions, default_workers
    from ktrdr.cli.local.start import start_system
    from ktrdr.cli.output import console, notes, print_json
    from ktrdr.settings import settings

    options = SystemOptions(
        host=host or settings().host,
        port=port or settings().port,
        backtest_workers=(
            default_workers() if backtest_workers is None else backtest_workers
        ),
        training_workers=1 if training_workers is None else training_workers,
    )
    started = start_system(options, port_is_wish=port is None)
    if as_json:
        print_json({"url": started.url, "pid": started.pid, "is_new": started.is_new})
    elif started.is_new:
        out = console()
        out.print(f"ktrdr runs at {started.url}", markup=False)
        out.print("  ktrdr status    how it is doing", markup=False)
        out.print("  ktrdr down      stop it", markup=False)
    else:
        notes().print(f"ktrdr runs already at {started.url}", markup=False)
        if {host, port, backtest_workers, training_workers} != {None}:
            again = "its options stay as they are: to change them, `ktrdr down` first"
            notes().print(again, markup=False)
