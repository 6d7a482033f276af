"""Tell by the exit code whether the server of this container answers.

Where it does, the server has written: address, port and route. Only the standard
library is used, and little of it: this starts every few seconds.
"""

import os
import socket
import sys

TIMEOUT_S = 2.0
_DEFAULT_FILE = "/tmp/ktrdr-health"
# An address to listen on at all, and one of them to ask at.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def main() -> int:
    """Return 0 if the server answers that it is alive, else 1."""
    file = os.environ.get("KTRDR_HEALTH_FILE") or _DEFAULT_FILE
    try:
        with open(file, encoding="utf-8") as lines:
            host, port, route = lines.read().split()
    except (OSError, ValueError) as error:
        print(f"no server has told where it answers: {error}", file=sys.stderr)
        return 1
    if is_alive(_EVERYWHERE.get(host, host), int(port), route):
        return 0
    print(f"nobody answers on {host} port {port}", file=sys.stderr)
    return 1


def is_alive(host: str, port: int, route: str) -> bool:
    """Return whether the server there answers ``route`` with 200."""
    request = f"GET {route} HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection((host, port), TIMEOUT_S) as connection:
            connection.sendall(request.encode())
            status = connection.makefile("rb").readline().split()
    except OSError:
        return False
    return status[1:2] == [b"200"]


if __name__ == "__main__":
    sys.exit(main())
