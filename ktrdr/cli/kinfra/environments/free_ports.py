"""Ports that an environment publishes, and whether other programs have them."""

import errno
import socket
from collections.abc import Iterator, Mapping
from typing import Any

from ktrdr.cli.kinfra.compose import Compose
from ktrdr.errors import ConflictError

_EVERYWHERE = "0.0.0.0"


def need_ports(compose: Compose) -> None:
    """Make sure that services which don't run yet can publish their ports.

    Raises
    ------
    ConflictError
        If another program has one; names it and the service.
    """
    running = {one.service for one in compose.containers() if one.state == "running"}
    for service, fields in compose.config()["services"].items():
        if service in running:
            continue
        for address, port in _published(fields):
            if _is_used(address, port):
                raise ConflictError(
                    f"port {port}, which {service} of {compose.project.name} is to "
                    "have, is used by another program: stop that, or use a sandbox "
                    "with another slot"
                )


def _published(service: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for one in service.get("ports") or ():
        # Podman-compose leaves them as they are written: ADDRESS:PORT:TARGET.
        if isinstance(one, str):
            address, port = one.rpartition(":")[0].rpartition(":")[::2]
        else:
            address, port = one.get("host_ip", ""), str(one.get("published", ""))
        if port.isdecimal() and port != "0":
            yield address.strip("[]") or _EVERYWHERE, int(port)


def _is_used(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # A port that somebody has just left can be used at once.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            # Whatever else keeps us from it may not keep the engine.
            return error.errno == errno.EADDRINUSE
    return False
