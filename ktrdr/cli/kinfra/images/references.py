"""Which image of the table somebody means."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ktrdr.cli.kinfra.images.contract import Contract, Image
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.errors import InputError, NotFoundError

# Set by every Dockerfile, so that an image tells what it is under any name.
LABEL = "org.ktrdr.image"
TARGET_LABEL = "org.ktrdr.target"
_HOST = r"(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:]+\])(?::\d+)?/"
_PART = r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:{_HOST})?{_PART}(?:/{_PART})*(?::\w[\w.-]{{0,127}})?"
    r"(?:@sha256:[0-9a-f]{64})?",
    re.ASCII,
)


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

    A reference with a registry that the engine does not have is pulled.

    Raises
    ------
    EngineError
        If the image can't be pulled.
    InputError
        If it is none of ktrdr's.
    NotFoundError
        If it is not there and names no registry.
    """
    for image in contract.images:
        if image.key == what:
            return Found(image=image, reference=image.reference)
    _have(contract, engine, what)
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


def expect_reference(what: str) -> str:
    """Return ``what``, which engines can take for the name of an image.

    Raises
    ------
    InputError
        If they can't.
    """
    if not _REFERENCE.fullmatch(what):
        raise InputError(
            f"{what[:120]!r} names no image; expected such as ktrdr-backend:prod or "
            "registry.example/ktrdr-backend@sha256: and 64 small hexadecimal digits"
        )
    return what


def expect_image(
    contract: Contract, engine: Engine, what: str, key: str, *, is_slim: bool = False
) -> Found:
    """Return ``what`` as the image ``key``, whatever its own labels say.

    A reference with a registry that the engine does not have is pulled.

    Raises
    ------
    EngineError
        If the image can't be pulled.
    InputError
        If it should be the target ``slim`` of an image that has none.
    NotFoundError
        If the table has no image ``key``, or the image is not there and names no
        registry.
    """
    image, reference = contract.image(key), what
    for one in contract.images:
        if one.key == what:
            reference = one.reference
    if is_slim and image.slim_budget_mb is None:
        raise InputError(f"{key} has no target slim: it has a shell as it is")
    _have(contract, engine, reference)
    return Found(image=image, reference=reference, is_slim=is_slim)


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


def _have(contract: Contract, engine: Engine, reference: str) -> None:
    if engine.has_image(reference):
        return
    registry, slash, _ = reference.partition("/")
    # Without a registry a slip would be pulled from the public one, whoever put it
    # there, and run.
    if not slash or not ("." in registry or ":" in registry or registry == "localhost"):
        raise NotFoundError(
            f"there is no image {reference} here: build it with `kinfra images build`, "
            f"name one with its registry, or give a key: {_keys(contract)}"
        )
    engine.stream("pull", reference)


def _keys(contract: Contract) -> str:
    return ", ".join(image.key for image in contract.images)
