"""Arguments and options that several commands take."""

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
ModelName = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="Name (the newest), name@version, or the first digits of the digest.",
    ),
]
ResultName = Annotated[
    str,
    typer.Argument(
        metavar="RESULT",
        help="Digest of a result or its first digits, `latest`, or a model such as "
        "momentum or momentum@3 for its newest result.",
    ),
]
StrategyName = Annotated[
    str,
    typer.Argument(metavar="STRATEGY", help="Name of a strategy, or path of its file."),
]
