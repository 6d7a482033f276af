"""Tell by the exit code whether the server of this container answers.

Which server that is, the container's command decides, so both are asked: the backend
at ``KTRDR_PORT``, a worker at ``KTRDR_WORKER_PORT``. Only the standard library is
used, and little of it: this starts every few seconds.
"""

import os
import socket
import sys

TIMEOUT_S = 2.0
_SERVERS = (
    ("KTRDR_HOST", "KTRDR_PORT", 8000, "/api/v1/health/live"),
    ("KTRDR_WORKER_HOST", "KTRDR_WORKER_PORT", 5002, "/health/live"),
)
# An address to listen on at all, and one of them to ask at.
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


def main() -> int:
    """Return 0 if a server answers that it is alive, else 1."""
    for host_name, port_name, default_port, path in _SERVERS:
        host = os.environ.get(host_name, "")
        port = int(os.environ.get(port_name) or default_port)
        if is_alive(_EVERYWHERE.get(host, host), port, path):
            return 0
    print("neither a backend nor a worker answers", file=sys.stderr)
    return 1


def is_alive(host: str, port: int, path: str) -> bool:
    """Return whether the server there answers ``path`` with 200."""
    request = f"GET {path} HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection((host, port), TIMEOUT_S) as connection:
            connection.sendall(request.encode())
            status = connection.makefile("rb").readline().split()
    except OSError:
        return False
    return status[1:2] == [b"200"]


if __name__ == "__main__":
    sys.exit(main())
