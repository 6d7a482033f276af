"""What holds for all tests."""

import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from ktrdr.cli import output

if TYPE_CHECKING:
    from tests.postgres import TestServer

# The machine's speed decides nothing, and a failure in CI can be had again at home.
settings.register_profile("ktrdr", deadline=None, derandomize=True)
settings.load_profile("ktrdr")


@pytest.fixture(autouse=True, scope="session")
def _programs_can_be_interrupted():
    """A shell has what runs in the background, and all that starts, ignore Ctrl-C."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _fresh_consoles():
    """A console keeps the width it was made with; each test gets its own."""
    output.console.cache_clear()
    output.notes.cache_clear()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, as the program does."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[TestServer]":
    """Run one PostgreSQL for all tests of this process."""
    from tests.postgres import running_server

    with running_server(tmp_path_factory.mktemp("postgres") / "server") as server:
        yield server


@pytest.fixture
def database_url(postgres_server: "TestServer") -> Iterator[str]:
    """Lend a fresh database with the whole schema, on a real server."""
    with postgres_server.database() as url:
        yield url
