"""``kinfra images sizes``: what the images weigh, and where the weight lies."""

from typing import Annotated

import typer

from ktrdr.cli.kinfra.images.options import EngineName
from ktrdr.cli.options import AsJson

_OVER_BUDGET_EXIT_CODE = 1
_OF_ABSENT = {"key", "budget_mb", "pull_budget_mb", "seeds_mb"}


def sizes(
    images: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[IMAGE]...",
            help="Keys or references; by default all, also those not built here.",
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
    from ktrdr.cli.kinfra.images.references import find_image
    from ktrdr.cli.kinfra.images.sizes import weigh
    from ktrdr.cli.kinfra.images.sizes_view import print_weights
    from ktrdr.cli.output import notes, print_json

    contract, answering = load_contract(), Engine.find(engine)
    # One that is named has to be there; of all, those that are not are listed so.
    names = images or [image.key for image in contract.images]
    chosen = [find_image(contract, answering, name) for name in names]
    here = [one for one in chosen if images or answering.has_image(one.reference)]
    absent = [one.image for one in chosen if one not in here]
    weights = [weigh(answering, found) for found in here]
    if as_json:
        rows = [one.model_dump(include=_OF_ABSENT) for one in absent]
        print_json({"images": [asdict(one) for one in weights], "absent": rows})
    else:
        print_weights(weights, absent)
    beyond = [one for one in weights if one.excess]
    for one in beyond:
        words = f"{one.reference} is over its budget: {one.excess}"
        notes().print(words, markup=False, soft_wrap=True)
    if beyond:
        raise typer.Exit(_OVER_BUDGET_EXIT_CODE)
