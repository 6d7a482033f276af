"""What holds for all tests that need a container engine."""

import pytest

from ktrdr.cli.kinfra.images.engine import Engine


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine.find()
