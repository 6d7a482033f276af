"""What a rollout would do: which services, in which order, with which images."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Literal

from ktrdr.cli.kinfra.deploy.pins import Pin, pin_of
from ktrdr.cli.kinfra.deploy.project import COMPLETED, Project, Service
from ktrdr.cli.kinfra.deploy.references import (
    Wanted,
    refuse_invalid,
    short_name,
)
from ktrdr.errors import InputError, NotFoundError

PullPolicy = Literal["always", "missing"]
_BACKEND = "backend"
_DATABASE = "database"


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The services of a project by what a rollout does with them.

    Attributes
    ----------
    below : tuple of Service
        With images of others, and needed by ours: started first if they don't run,
        never replaced.
    jobs : tuple of Service
        Ours that end when their work is done, such as the migration; in their order.
    ours : tuple of Service
        Replaced one by one, in this order.
    above : tuple of Service
        With images of others, and not needed, such as what watches ours: started last
        if they don't run.
    """

    below: tuple[Service, ...]
    jobs: tuple[Service, ...]
    ours: tuple[Service, ...]
    above: tuple[Service, ...]

    @property
    def all_ours(self) -> tuple[Service, ...]:
        """Every service with an image of ours."""
        return (*self.jobs, *self.ours)

    @property
    def preparations(self) -> tuple[str, ...]:
        """Names of services with images of others that end, such as certificates'."""
        awaited = _awaited((*self.below, *self.all_ours))
        return tuple(one.name for one in self.below if one.name in awaited)

    @property
    def database(self) -> str | None:
        """Name of the database's service."""
        names = {one.name for one in self.below}
        return _DATABASE if _DATABASE in names else None


def divide(services: Sequence[Service], names: Iterable[str]) -> Parts:
    """Return the parts of a project.

    Parameters
    ----------
    names : iterable of str
        Repositories that hold our images, without registry and owner.

    Raises
    ------
    InputError
        If none of the services runs an image of ours, or they need one another.
    """
    known = set(names)
    order = _ordered(services)
    ours = [one for one in order if short_name(one.image) in known]
    jobs = [one for one in ours if one.name in _awaited(services)]
    running = [one for one in ours if one not in jobs]
    if not running:
        raise InputError(
            "none of the services runs an image of ktrdr: expected one of "
            f"{', '.join(sorted(known))}"
        )
    others = [one for one in order if one not in ours]
    # Ours need the database whether they say so or not.
    needed = _needed([one.name for one in ours], services) | {_DATABASE}
    return Parts(
        below=tuple(one for one in others if one.name in needed),
        jobs=tuple(jobs),
        # Workers are held to the release of the backend.
        ours=tuple(sorted(running, key=lambda one: one.name != _BACKEND)),
        above=tuple(one for one in others if one.name not in needed),
    )


def _awaited(services: Sequence[Service]) -> set[str]:
    """Return the services whose end others wait for."""
    return {
        other
        for one in services
        for other, condition in one.needs.items()
        if condition == COMPLETED
    }


def _needed(names: Iterable[str], services: Sequence[Service]) -> set[str]:
    """Return what services of these names need, and what those need in turn."""
    by_name = {one.name: one for one in services}
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        needs = set(by_name[waiting.pop()].needs) & set(by_name) - found
        found |= needs
        waiting += needs
    return found


def _ordered(services: Sequence[Service]) -> tuple[Service, ...]:
    """Return services after those that they need, else in the order of their names."""
    by_name = {one.name: one for one in sorted(services, key=lambda one: one.name)}
    graph = {
        name: [other for other in sorted(one.needs) if other in by_name]
        for name, one in by_name.items()
    }
    try:
        order = tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        cycle = " -> ".join(error.args[1])
        raise InputError(f"services need one another: {cycle}") from None
    return tuple(by_name[name] for name in order)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to replace by what.

    Attributes
    ----------
    pins : mapping
        Service of ours to the image that it is to run.
    before : mapping
        Service of ours to the image that it ran; those that did not run lack.
    """

    parts: Parts
    pins: Mapping[str, Pin]
    before: Mapping[str, Pin]

    @property
    def all_pins(self) -> set[Pin]:
        """Every image that the rollout, or the way back, needs."""
        return {*self.pins.values(), *self.before.values()}


def wanted_references(parts: Parts, wanted: Wanted) -> dict[str, str]:
    """Return service of ours to the image that somebody wants it to run.

    Raises
    ------
    InputError
        If no image can be called so.
    """
    by_image = wanted.references([one.image for one in parts.all_ours])
    for reference in by_image.values():
        refuse_invalid(reference)
    return {one.name: by_image[one.image] for one in parts.all_ours}


def need_secrets(project: Project, parts: Parts) -> None:
    """Make sure that the files of secrets are there, but those of what watches ours.

    The token by which metrics are read is made when the backend runs.

    Raises
    ------
    NotFoundError
        If any is not; tells which.
    """
    names = [one.name for one in (*parts.below, *parts.all_ours)]
    missing = project.missing_secrets(names)
    if missing:
        raise NotFoundError(
            f"files of secrets are not there: {', '.join(map(str, missing))}; make "
            "them in the folder that KTRDR_SECRETS names, see Homelab in "
            "docs/environments.md"
        )


def to_pull(
    project: Project, references: Mapping[str, str], policy: PullPolicy
) -> tuple[str, ...]:
    """Return the images that `fetch` would pull."""
    return tuple(
        one
        for one in dict.fromkeys(references.values())
        if policy == "always" or project.image(one) is None
    )


def fetch(
    project: Project, references: Mapping[str, str], policy: PullPolicy
) -> dict[str, Pin]:
    """Have every image here before anything is touched, and return what they are.

    Raises
    ------
    EngineError
        If one can't be pulled.
    """
    pins: dict[str, Pin] = {}
    pulled = to_pull(project, references, policy)
    for reference in dict.fromkeys(references.values()):
        if reference in pulled:
            project.pull(reference)
        facts = project.image(reference)
        if facts is None:
            raise NotFoundError(f"{reference} was pulled and is not there")
        pins[reference] = pin_of(reference, facts)
    return {service: pins[reference] for service, reference in references.items()}
