"""What can be said about the build of an image."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Keys = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY]...", help="Such as backend or worker-cpu."),
]
Target = Annotated[
    Literal["slim"] | None,
    typer.Option(help="The same on the whole slim image, with a shell to debug in."),
]
Tag = Annotated[
    list[str] | None,
    typer.Option(metavar="REFERENCE", help="Its name; by default the table's."),
]
Platform = Annotated[
    str | None,
    typer.Option(metavar="PLATFORM", help="Such as linux/arm64; by default this one."),
]
Python = Annotated[
    str | None,
    typer.Option(metavar="RELEASE", help="Such as 3.11; by default the table's."),
]
Wheels = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Folder with torch's wheel; by default one that pip is configured with.",
    ),
]
TorchIndex = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Package index to take torch from, by default PyTorch's of the image's "
        "variant; `default` is the one that is configured.",
    ),
]
Untrimmed = Annotated[
    bool, typer.Option("--untrimmed", help="Keep all of torch; no limit to its size.")
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Build every layer anew.")]
Repository = Annotated[
    str | None,
    typer.Option(
        metavar="REPOSITORY",
        help="Push it there without a tag, and print its reference by digest.",
    ),
]
Cache = Annotated[
    list[str] | None,
    typer.Option(metavar="CACHE", help="As `docker buildx build` takes it."),
]
MetadataFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Where buildx's report of a pushed build goes."),
]
