"""Which image of the table somebody means."""

from collections.abc import Sequence
from dataclasses import dataclass

from ktrdr.cli.kinfra.images.contract import Contract, Image
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.errors import InputError, NotFoundError

# Set by every Dockerfile, so that an image tells what it is under any name.
LABEL = "org.ktrdr.image"
TARGET_LABEL = "org.ktrdr.target"


@dataclass(frozen=True, kw_only=True)
class Found:
    """An image of the table, and what the engine calls it.

    Attributes
    ----------
    image : Image
    reference : str
    is_slim : bool
        Whether it is the target ``slim``.
    """

    image: Image
    reference: str
    is_slim: bool = False

    @property
    def budget_mb(self) -> int:
        """Most that it may weigh, in MB on disk."""
        slim = self.image.slim_budget_mb
        return slim if self.is_slim and slim is not None else self.image.budget_mb


def find_image(contract: Contract, engine: Engine, what: str) -> Found:
    """Return the image that ``what`` names: a key of the table, or any reference.

    A reference that the engine does not have is pulled.

    Raises
    ------
    EngineError
        If the image neither is there nor can be pulled.
    InputError
        If it is none of ktrdr's.
    """
    for image in contract.images:
        if image.key == what:
            return Found(image=image, reference=image.reference)
    if not engine.has_image(what):
        engine.stream("pull", what)
    told = labels(engine, what)
    key = told.get(LABEL)
    if key is None:
        raise InputError(
            f"{what} has no label {LABEL}, so it was not built by a Dockerfile of "
            f"ktrdr; give one of its images, or a key of the table: {_keys(contract)}"
        )
    return Found(
        image=contract.image(key),
        reference=what,
        is_slim=told.get(TARGET_LABEL) == "slim",
    )


def choose_images(
    contract: Contract, engine: Engine, names: Sequence[str]
) -> list[Found]:
    """Return the images that ``names`` name; without any, those that are there.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    if names:
        return [find_image(contract, engine, name) for name in names]
    known = [find_image(contract, engine, image.key) for image in contract.images]
    found = [one for one in known if engine.has_image(one.reference)]
    if not found:
        raise NotFoundError("none of the images is here: run `make images`")
    return found


def labels(engine: Engine, reference: str) -> dict[str, str]:
    """Return the labels of an image."""
    config = engine.inspect(reference).get("Config")
    found = config.get("Labels") if isinstance(config, dict) else None
    return {str(name): str(value) for name, value in (found or {}).items()}


def _keys(contract: Contract) -> str:
    return ", ".join(image.key for image in contract.images)
