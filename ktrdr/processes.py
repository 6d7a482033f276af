"""Which processes there are on this machine, and where they answer."""

import os
import socket
from pathlib import Path

from ktrdr.errors import InputError


def is_alive(pid: int) -> bool:
    """Tell whether a process has the number ``pid``, whoever's it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def tell_health(file: Path | None, listener: socket.socket, route: str) -> None:
    """Write where this server answers into ``file``: address, port and route.

    A health check of the same container then asks this server, whatever port it was
    given and whoever else listens there.

    Raises
    ------
    InputError
        If the file can't be written.
    """
    if file is None:
        return
    host, port = listener.getsockname()[:2]
    try:
        file.write_text(f"{host} {port} {route}\n", encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{file} can't be written: {error.strerror}; let KTRDR_HEALTH_FILE name a "
            "file in a folder that can be written to, in a container such as /tmp"
        ) from None
