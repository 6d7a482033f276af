"""An environment: a compose project, its secrets, and the way to its backend."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ktrdr.cli.kinfra.compose import Compose
from ktrdr.cli.kinfra.environments.secret_files import kept_token
from ktrdr.errors import NotFoundError

if TYPE_CHECKING:
    from ktrdr.client import Client

_API_PORT = 8000


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A system of ktrdr in containers.

    Attributes
    ----------
    compose : Compose
    secrets : Path
        Folder of its secrets.
    command : str
        What people call it with, ``...`` being the verb: ``kinfra canary ...``.
    """

    compose: Compose
    secrets: Path
    command: str

    @property
    def name(self) -> str:
        """Name of its compose project."""
        return self.compose.project.name

    def call(self, verb: str) -> str:
        """Return the command of ``kinfra`` that does ``verb`` with it."""
        return self.command.replace("...", verb)

    def url(self) -> str | None:
        """Return where its backend answers; None while it does not run."""
        address = self.compose.address("backend", _API_PORT)
        return None if address is None else f"http://{address}"

    @contextmanager
    def client(self) -> "Iterator[Client]":
        """Lend a client of its backend.

        Raises
        ------
        NotFoundError
            If it does not run.
        """
        from ktrdr.client import Client

        url = self.url()
        if url is None:
            raise NotFoundError(
                f"{self.name} does not run: `{self.call('up')}` starts it"
            )
        with Client(url, kept_token(self.secrets), first_patience_s=20.0) as client:
            yield client
