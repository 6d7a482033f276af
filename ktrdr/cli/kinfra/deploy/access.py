"""A token of the backend for the time that it is asked what it is."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from ktrdr.cli.kinfra.compose import Container
from ktrdr.cli.kinfra.deploy.project import Project
from ktrdr.cli.kinfra.images.engine import EngineError


def new_admin(project: Project, service: str, image: str, name: str) -> str:
    """Make an admin's token in the database, and return it.

    Raises
    ------
    EngineError
        If it can't be made.
    """
    how = ("--role=admin", "--json")
    made = project.run(service, image, "ktrdr", "auth", "create", name, *how)
    if made.code:
        told = (made.err or made.out).strip()[-500:]
        raise EngineError(f"the token of {name} could not be made: {told}")
    return str(json.loads(made.out)["token"])


@contextmanager
def lent_token(project: Project, container: Container) -> Iterator[str]:
    """Lend a token that may only look, made and revoked in the backend's container.

    Raises
    ------
    EngineError
        If none can be made.
    """
    name = f"kinfra-{secrets.token_hex(6)}"
    how = ("--role=viewer", "--expires-days=1", "--json")
    made = project.ask(container.identifier, "ktrdr", "auth", "create", name, *how)
    if made.code:
        told = (made.err or made.out).strip()[-500:]
        raise EngineError(f"no token could be made to ask the backend with: {told}")
    try:
        yield str(json.loads(made.out)["token"])
    finally:
        # It ends by itself if the container is gone.
        project.ask(container.identifier, "ktrdr", "auth", "revoke", name)
