"""Operations on a real PostgreSQL, and workers of the queue without processes."""

from collections.abc import AsyncIterator

import pytest

from ktrdr.database import Database
from ktrdr.operations import Operations
from tests.unit.operations.queue import Queue


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url, max_size=10) as database:
        yield database


@pytest.fixture
async def operations(database: Database) -> Operations:
    return Operations(database)


@pytest.fixture
async def queue(database: Database) -> Queue:
    return Queue(database)


@pytest.fixture
async def _old_server(queue: Queue) -> None:
    await queue.until_server_is_old_enough()
