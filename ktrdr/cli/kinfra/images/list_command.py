"""``kinfra images list``: which images there are."""

from typing import TYPE_CHECKING

from ktrdr.cli.options import AsJson

if TYPE_CHECKING:
    from ktrdr.cli.kinfra.images.contract import Image


def list_images(as_json: AsJson = False) -> None:
    """List the images: what each is for, holds and may weigh."""
    from ktrdr.cli.kinfra.images.contract import load_contract
    from ktrdr.cli.output import console, print_json

    contract = load_contract()
    if as_json:
        rows = [image.model_dump(mode="json") for image in contract.images]
        print_json({"python": contract.python, "user": contract.user, "images": rows})
        return
    for image in contract.images:
        console().print(_words(image), markup=False)


def _words(image: "Image") -> str:
    platforms = ", ".join(image.platforms)
    return (
        f"{image.key}: {image.title}\n"
        f"    {', '.join(image.references)}; {platforms}; "
        f"at most {image.budget_mb:,} MB"
    )
