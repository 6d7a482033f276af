"""What holds for all tests that run systems in containers."""

import os
from collections.abc import Iterator

import pytest

from ktrdr.cli.kinfra.images.contract import load_contract
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.settings import settings
from tests.environments.homelab import Homelab, homelab_of_the_page


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine.find()


@pytest.fixture(scope="session")
def docker(engine: Engine) -> Engine:
    """Return the engine that pages type their commands for."""
    if engine.name != "docker":
        pytest.skip(f"pages type their commands for docker, this is {engine.name}")
    return engine


@pytest.fixture(scope="session")
def images(engine: Engine) -> dict[str, str]:
    """Return the images to run, by variable; others than the table's if it is set."""
    contract = load_contract()
    chosen = {
        "KTRDR_BACKEND_IMAGE": contract.image("backend").reference,
        "KTRDR_WORKER_IMAGE": contract.image("worker-cpu").reference,
    }
    chosen = {name: os.environ.get(name) or one for name, one in chosen.items()}
    for reference in chosen.values():
        engine.inspect(reference)
    return chosen


@pytest.fixture
def environments(tmp_path, monkeypatch):
    """Give what the test makes a place of its own."""
    monkeypatch.setenv("KTRDR_ENVIRONMENTS", str(tmp_path / "environments"))
    settings.cache_clear()
    yield tmp_path / "environments"
    settings.cache_clear()


@pytest.fixture(scope="session")
def page_homelab(
    docker: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Homelab]:
    """Lend what the page on the homelab sets up; all pages on deployments go on there.

    Any of two releases runs when a test gets it.
    """
    with homelab_of_the_page(docker, tmp_path_factory.mktemp("homelab")) as homelab:
        yield homelab
