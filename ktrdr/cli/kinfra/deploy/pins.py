"""Which image exactly a service runs or is to run."""

from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ktrdr.cli.kinfra.compose import Container
from ktrdr.cli.kinfra.deploy.project import ImageFacts, Project
from ktrdr.cli.kinfra.deploy.references import repository, short_name

# Never asked of a registry: the name of this machine.
_KEPT = "localhost/ktrdr-deployed"
_REVISION = "org.opencontainers.image.revision"
_VERSION = "org.opencontainers.image.version"
_SHOWN_DIGITS = 12


class Pin(BaseModel):
    """An image that can't become another one.

    Attributes
    ----------
    reference : str
        What somebody calls it; a tag of it may have moved since.
    identifier : str
        What the engine tells it by.
    digest : str or None
        By which a registry gives it; None for one that was built here.
    commit, version : str or None
        What its label says that its programs report.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    reference: str
    identifier: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    digest: str | None = None
    commit: str | None = None
    version: str | None = None

    @property
    def shown(self) -> str:
        """Name and the first digits of the identifier, for people."""
        digits = self.identifier.partition(":")[2][:_SHOWN_DIGITS]
        return f"{self.reference} ({digits})"


def kept_names(owner: str) -> str:
    """Return how the local names begin that ``owner`` keeps images by."""
    return f"{_KEPT}/{owner}/"


def kept_name(owner: str, pin: Pin) -> str:
    """Return the local name that stays with this image alone.

    Containers are made by this name, and an image that has one is not pruned while a
    rollback may need it.
    """
    digits = pin.identifier.partition(":")[2]
    return f"{kept_names(owner)}{short_name(pin.reference)}:{digits}"


def pin_of(reference: str, facts: ImageFacts) -> Pin:
    """Return the image that ``reference`` names now."""
    origin = repository(reference)
    digests = [one for one in facts.digests if repository(one) == origin]
    return Pin(
        reference=reference,
        identifier=facts.identifier,
        digest=digests[0] if digests else None,
        commit=_known(facts.labels.get(_REVISION)),
        version=_known(facts.labels.get(_VERSION)),
    )


def running_pin(
    project: Project, container: Container, told: Mapping[str, Pin]
) -> Pin | None:
    """Return the image of a container; None if the engine has it no more.

    Parameters
    ----------
    told : mapping
        Images of earlier rollouts by identifier, which know what it was called.
    """
    if container.image in told:
        return told[container.image]
    facts = project.image(container.image)
    return pin_of(container.reference, facts) if facts else None


def keep_all(project: Project, owner: str, pins: Iterable[Pin]) -> None:
    """Give images the owner's local names."""
    for pin in set(pins):
        project.keep(pin.identifier, kept_name(owner, pin))


def release_others(project: Project, owner: str, needed: Iterable[Pin]) -> None:
    """Forget the owner's local names of images that no rollback needs any more."""
    names = {kept_name(owner, pin) for pin in needed}
    for name in project.kept(kept_names(owner)):
        if name not in names:
            project.forget(name)


def _known(label: str | None) -> str | None:
    return None if label in (None, "", "unknown") else label
