"""``kinfra images verify``: prove built images from the inside."""

from typing import Annotated

import typer

from ktrdr.cli.kinfra.images.options import EngineName
from ktrdr.cli.options import AsJson


def verify(
    images: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[IMAGE]...",
            help="Keys or references; by default all that are there.",
        ),
    ] = None,
    every: Annotated[
        bool,
        typer.Option("--all", help="All that are there, and tell which are not."),
    ] = False,
    key: Annotated[
        str | None,
        typer.Option("--as", metavar="KEY", help="Hold it to this, whatever it says."),
    ] = None,
    slim: Annotated[
        bool, typer.Option("--slim", help="With --as: it is the target slim.")
    ] = False,
    gpu: Annotated[
        bool, typer.Option("--gpu", help="Train on a GPU too, if there is one.")
    ] = False,
    engine: EngineName = None,
    as_json: AsJson = False,
) -> None:
    """Check images from the inside against the table.

    Fails if any check does; what can't be checked here is told and is no failure. A
    reference is held to what its own labels say it is, unless --as tells.
    """
    from ktrdr.cli.display import Display
    from ktrdr.cli.kinfra.images.contract import load_contract
    from ktrdr.cli.kinfra.images.engine import Engine
    from ktrdr.cli.kinfra.images.references import choose_images, expect_image
    from ktrdr.cli.kinfra.images.verify import (
        absence_report,
        print_reports,
        verify_image,
    )
    from ktrdr.cli.output import print_json
    from ktrdr.errors import InputError

    if key and (every or not images):
        raise InputError("--as goes with the reference of an image")
    if slim and not key:
        raise InputError("--slim goes with --as; without that the image's label tells")
    contract, answering = load_contract(), Engine.find(engine)
    if key:
        chosen = [
            expect_image(contract, answering, name, key, is_slim=slim)
            for name in images or ()
        ]
    else:
        chosen = choose_images(contract, answering, [] if every else images or [])
    reports = []
    for found in chosen:
        # Tells an image that is not there, once.
        answering.inspect(found.reference)
        with Display(is_silent=as_json) as display:
            display.line(f"{found.image.key}: {found.reference}")
            reports.append(
                verify_image(answering, contract, found, uses_gpu=gpu, progress=display)
            )
    if every:
        here = {found.image.key for found in chosen}
        reports += [
            absence_report(image, answering.name)
            for image in contract.images
            if image.key not in here
        ]
    if as_json:
        print_json({"images": [report.document() for report in reports]})
    else:
        print_reports(reports)
    if any(report.has_failed for report in reports):
        raise typer.Exit(1)
