"""``kinfra images sizes``: what the images weigh, and where the weight lies."""

from typing import Annotated

import typer

from ktrdr.cli.kinfra.images.options import EngineName
from ktrdr.cli.options import AsJson

_OVER_BUDGET_EXIT_CODE = 1


def sizes(
    images: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[IMAGE]...",
            help="Keys or references; by default all that are there.",
        ),
    ] = None,
    engine: EngineName = None,
    as_json: AsJson = False,
) -> None:
    """Tell what built images weigh: on disk, to pull, by package and by layer.

    Fails if one weighs more than its budget.
    """
    from dataclasses import asdict

    from ktrdr.cli.kinfra.images.contract import load_contract
    from ktrdr.cli.kinfra.images.engine import Engine
    from ktrdr.cli.kinfra.images.references import choose_images
    from ktrdr.cli.kinfra.images.sizes import weigh
    from ktrdr.cli.kinfra.images.sizes_view import print_weights
    from ktrdr.cli.output import notes, print_json

    contract, answering = load_contract(), Engine.find(engine)
    chosen = choose_images(contract, answering, images or [])
    weights = [weigh(answering, found) for found in chosen]
    if as_json:
        print_json({"images": [asdict(one) for one in weights]})
    else:
        print_weights(weights)
    beyond = [one for one in weights if one.excess]
    for one in beyond:
        words = f"{one.reference} is over its budget: {one.excess}"
        notes().print(words, markup=False, soft_wrap=True)
    if beyond:
        raise typer.Exit(_OVER_BUDGET_EXIT_CODE)
