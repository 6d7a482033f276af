"""What holds for all tests that run systems in containers."""

import os

import pytest

from ktrdr.cli.kinfra.images.contract import load_contract
from ktrdr.cli.kinfra.images.engine import Engine
from ktrdr.settings import settings


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine.find()


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
