"""The canary: its compose project, and the images that it is there to try."""

import shutil
from pathlib import Path

from ktrdr.cli.kinfra.compose import Compose, Project
from ktrdr.cli.kinfra.environments.environment import Environment
from ktrdr.cli.kinfra.images.build import build_image, own_platform, source_identity
from ktrdr.cli.kinfra.images.contract import Contract, Image
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.cli.kinfra.images.recipe import Wishes, make_recipe

_FOLDER = Path("deploy/environments/canary")
_NAME = "ktrdr-canary"


def canary(contract: Contract, engine: Engine) -> Environment:
    """Return the canary of a checkout."""
    folder = contract.root / _FOLDER
    secrets = folder / "secrets"
    project = Project(
        name=_NAME,
        folder=folder,
        files=(folder / "docker-compose.yml",),
        given={"KTRDR_SECRETS": str(secrets)},
    )
    return Environment(
        compose=Compose(engine, project),
        secrets=secrets,
        command="kinfra canary ...",
    )


def build_missing(contract: Contract, environment: Environment) -> list[str]:
    """Build those of its images that are not here and that this checkout makes.

    Returns
    -------
    list of str
        Names of what was built.
    """
    compose = environment.compose
    wanted = set(compose.images().values())
    built: list[str] = []
    for image in contract.images:
        missing = [
            one
            for one in image.references
            if one in wanted and not compose.has_image(one)
        ]
        if missing:
            _build(contract, compose.engine, image, missing)
            built += missing
    return built


def _build(
    contract: Contract, engine: Engine, image: Image, references: list[str]
) -> None:
    wishes = Wishes(platform=own_platform())
    recipe = make_recipe(contract, image, wishes, source_identity(contract.root))
    build_image(engine, recipe, contract.root, references)


def remove(environment: Environment) -> None:
    """Remove it with all its data; its secrets, which open nothing then, go too."""
    environment.compose.down(with_data=True)
    if environment.secrets.exists():
        shutil.rmtree(environment.secrets)
