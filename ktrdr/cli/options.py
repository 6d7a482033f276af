"""Arguments and options that several commands take."""

from typing import Annotated, Literal

import typer

from ktrdr.cli.completion import complete_model, complete_result, complete_strategy

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="Backend to use, such as http://host:8000; by default KTRDR_API_URL.",
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs", min=1, max=256, help="Processes at once; by default one a core."
    ),
]
Detach = Annotated[
    bool,
    typer.Option(
        "--detach",
        help="Start it in a backend, print the operation's id and leave.",
    ),
]
Priority = Annotated[
    int, typer.Option(min=-100, max=100, help="Higher first; for a backend.")
]
Symbol = Annotated[
    str | None,
    typer.Option(help="Symbol to trade; the strategy's first if left out."),
]
Device = Annotated[
    Literal["auto", "cpu", "cuda", "mps"],
    typer.Option(help="Where to train; auto takes CUDA where there is any."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
ModelName = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="Name (the newest), name@version, or the first digits of the digest.",
        autocompletion=complete_model,
    ),
]
ResultName = Annotated[
    str,
    typer.Argument(
        metavar="RESULT",
        help="Digest of a result or its first digits, `latest`, or a model such as "
        "momentum or momentum@3 for its newest result.",
        autocompletion=complete_result,
    ),
]
StrategyName = Annotated[
    str,
    typer.Argument(
        metavar="STRATEGY",
        help="Name of a strategy, or path of its file.",
        autocompletion=complete_strategy,
    ),
]
