"""A port for the server, the same as last time if it can be had."""

import random
import socket

from ktrdr.errors import DatabaseError

HOST = "127.0.0.1"
# Below the ports that systems give to outgoing connections: programs that try to
# reach a stopped server on one of those may end up connected to themselves and keep
# the port from it.
_PORTS = range(20_000, 32_000)
_TRIES = 100


def free_port(wanted: int | None) -> int:
    """Return ``wanted`` if nobody has it, else a port that is free.

    Raises
    ------
    DatabaseError
        If none was found.
    """
    if wanted is not None and is_free(wanted):
        return wanted
    for port in random.sample(_PORTS, _TRIES):
        if is_free(port):
            return port
    raise DatabaseError(
        f"none of {_TRIES} ports of {HOST} from {_PORTS.start} on is free: is "
        "something keeping programs from listening?"
    )


def is_free(port: int) -> bool:
    """Return whether a server may listen on ``port``."""
    with socket.socket() as probe:
        # As PostgreSQL does: connections that are ending do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
