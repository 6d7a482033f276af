"""An engine that answers as it is told to, as the tests on images use it."""

from tests.unit.cli.kinfra.images.conftest import docker, engines

__all__ = ["docker", "engines"]
