"""``kinfra images sbom``: write what images are made of."""

from pathlib import Path
from typing import Annotated

import typer

from ktrdr.cli.kinfra.images.options import EngineName, HereImages
from ktrdr.cli.options import AsJson


def sbom(
    images: HereImages = None,
    folder: Annotated[
        Path, typer.Option(help="Where to write; made if it is not there.")
    ] = Path("sboms"),
    engine: EngineName = None,
    as_json: AsJson = False,
) -> None:
    """Write a bill of materials (SPDX) for each image, with all its packages."""
    from ktrdr.cli.kinfra.images.contract import load_contract
    from ktrdr.cli.kinfra.images.engine import Engine
    from ktrdr.cli.kinfra.images.references import choose_images
    from ktrdr.cli.kinfra.images.sbom import write_sbom
    from ktrdr.cli.output import console, print_json

    contract, answering = load_contract(), Engine.find(engine)
    made = [
        write_sbom(answering, found, folder)
        for found in choose_images(contract, answering, images or [])
    ]
    if as_json:
        print_json(
            {
                "sboms": [
                    {
                        "image": one.key,
                        "reference": one.reference,
                        "path": str(one.path),
                        "packages": one.packages,
                    }
                    for one in made
                ]
            }
        )
        return
    for one in made:
        counts = ", ".join(f"{count} {kind}" for kind, count in one.packages.items())
        line = f"{one.path}: {counts} packages of {one.reference}"
        console().print(line, markup=False, soft_wrap=True)
