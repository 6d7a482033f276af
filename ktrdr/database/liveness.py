"""Whether a connection that lay in a pool still leads to its server."""

import selectors
from typing import Any

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool


async def check_connection(connection: AsyncConnection[Any]) -> None:
    """Raise if the server has gone away, asking it only when there is a sign of that.

    A server that ends closes its connections, which shows at our end; over one that
    is quiet nothing has come. So most loans cost no round trip.
    """
    with selectors.DefaultSelector() as selector:
        selector.register(connection.fileno(), selectors.EVENT_READ)
        is_quiet = not selector.select(timeout=0)
    if not is_quiet:
        await AsyncConnectionPool.check_connection(connection)
