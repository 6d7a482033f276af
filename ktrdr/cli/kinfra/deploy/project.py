"""What a rollout needs of a compose project, whoever drives the engine for it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ktrdr.cli.kinfra.compose import Container
from ktrdr.cli.kinfra.images.engine import Done

COMPLETED = "service_completed_successfully"


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service of the rendered project.

    Attributes
    ----------
    image : str
        Reference, as the files and variables give it.
    needs : mapping
        Services that it depends on, and in which condition they have to be.
    """

    name: str
    image: str
    needs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    """An image that the engine has.

    Attributes
    ----------
    identifier : str
        What the engine tells it by: ``sha256:`` and 64 digits.
    digests : tuple of str
        Repositories with the digests that it was pulled by.
    """

    identifier: str
    digests: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


class Project(Protocol):
    """A compose project on the host that it runs on.

    All raise EngineError where the engine does not do what it is asked.
    """

    @property
    def name(self) -> str:
        """Name of the project, which its containers carry."""

    @property
    def place(self) -> str:
        """Files and host, in words."""

    def host_identity(self) -> str:
        """Return what the host's engine tells itself by, and its machine's name."""

    def services(self) -> tuple[Service, ...]:
        """Return the services that the files and the active profiles give."""

    def leftovers(self) -> tuple[str, ...]:
        """Return services that are to have no container, and have some."""

    def missing_secrets(self, services: Collection[str]) -> tuple[Path, ...]:
        """Return files of secrets that these services read and that are not there.

        Only on this machine; on another host none is known to be missing.
        """

    def pull(self, reference: str) -> None:
        """Fetch an image."""

    def image(self, reference: str) -> ImageFacts | None:
        """Return the image, None if the engine does not have it."""

    def keep(self, identifier: str, name: str) -> None:
        """Give an image a further name, which also saves it from being pruned."""

    def kept(self, prefix: str) -> tuple[str, ...]:
        """Return the names of images that begin so."""

    def forget(self, name: str) -> None:
        """Take a name away from an image, unless a container is left that needs it."""

    def containers(self, service: str) -> tuple[Container, ...]:
        """Return the service's containers, those that have ended included."""

    def start(self, service: str) -> None:
        """Start the service if it does not run, and nothing it depends on."""

    def is_outdated(self, service: str) -> bool:
        """Return whether the files have changed what the service is started with."""

    def up(self, service: str, image: str) -> None:
        """Run the service, and nothing it depends on, with ``image``."""

    def stop(self, service: str) -> None:
        """Stop the service's containers, with their time to finish."""

    def remove(self, service: str) -> None:
        """Stop and remove the service's containers; volumes with a name stay."""

    def run(self, service: str, image: str, *command: str) -> Done:
        """Run ``command``, by default the service's own, in a container of its own."""

    def end_jobs(self) -> None:
        """End what ``run`` began and did not see the end of.

        Their containers go on when the command that waits for them is interrupted.
        """

    def ask(self, container: str, *command: str, stdin: str = "") -> Done:
        """Run ``command`` in a container that runs."""

    def pour(
        self,
        container: str,
        *command: str,
        source: Path | None = None,
        target: Path | None = None,
    ) -> None:
        """Run ``command`` in a container, fed from a file, its output to a file."""

    def logs(self, service: str) -> str:
        """Return the end of what the service's containers wrote."""
