"""A real backend with bars and a model, and a client of it."""

from collections.abc import Iterator

import pytest

from ktrdr.client import Client
from ktrdr.settings import Settings, settings
from tests.unit.backtesting.stored_models import filled_store
from tests.unit.client.backend import RunningBackend, running_backend


@pytest.fixture
def backend(database_url, tmp_path, monkeypatch) -> Iterator[RunningBackend]:
    folder = tmp_path / "strategies"
    folder.mkdir()
    monkeypatch.setenv("KTRDR_HOME", str(tmp_path))
    monkeypatch.setenv("KTRDR_STRATEGIES", str(folder))
    settings.cache_clear()
    filled_store(tmp_path / "store")
    with running_backend(Settings(database_url=database_url)) as running:
        yield running
    settings.cache_clear()


@pytest.fixture
def client(backend) -> Iterator[Client]:
    with Client(backend.url) as client:
        yield client
