"""``ktrdr worker``: do the work of one kind until stopped."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from ktrdr.workers import WorkerOptions

app = typer.Typer(no_args_is_help=True, help="Run a worker, here and until stopped.")

_Queues = Annotated[
    list[str] | None,
    typer.Option(
        "--queue",
        help="Take work from this queue only; may be given again. "
        "All that the worker can do if left out.",
    ),
]
_Concurrency = Annotated[
    int, typer.Option(min=1, max=256, help="Jobs at once, a process each.")
]
_Name = Annotated[
    str | None,
    typer.Option(help="Name to register; made of host, kind and port if left out."),
]
_Port = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=65_535,
        help="First port to try for health and metrics; 0 is any that is free.",
    ),
]


@app.command()
def backtest(
    queue: _Queues = None,
    concurrency: _Concurrency = 1,
    name: _Name = None,
    port: _Port = None,
) -> None:
    """Run backtests, sweeps and summaries; needs no torch."""
    from ktrdr.workers import WorkerOptions

    _run(
        WorkerOptions(
            kind="backtest",
            queues=tuple(queue or ()),
            concurrency=concurrency,
            name=name,
            port=port,
        )
    )


@app.command()
def training(
    queue: _Queues = None,
    concurrency: _Concurrency = 1,
    device: Annotated[
        Literal["auto", "cpu", "cuda", "mps"],
        typer.Option(help="Where to train; a GPU's worker takes the CPU's work too."),
    ] = "auto",
    name: _Name = None,
    port: _Port = None,
) -> None:
    """Run trainings; needs torch, which is checked first."""
    from ktrdr.workers import WorkerOptions

    _run(
        WorkerOptions(
            kind="training",
            queues=tuple(queue or ()),
            concurrency=concurrency,
            device=device,
            name=name,
            port=port,
        )
    )


def _run(options: "WorkerOptions") -> None:
    from ktrdr.workers import run_worker

    run_worker(options)
