"""The servers that an image runs: how soon, how well, and how they end."""

import time

from ktrdr.cli.kinfra.images.verify.answers import SchemaAnswer, TokenAnswer
from ktrdr.cli.kinfra.images.verify.check import Fault, NotChecked
from ktrdr.cli.kinfra.images.verify.start import health_command
from ktrdr.cli.kinfra.images.verify.system import Server, System

_SERVER_PORT = 8000
_WORKER_PORT = 5002
# For what is asked of a server that is ready, on a slow machine.
_ANSWER_S = 30.0
_REFUSAL_S = 20.0
# Prints the status of an answer; there is no curl in an image.
_STATUS = """
import sys, urllib.error, urllib.request
request = urllib.request.Request(sys.argv[1])
if sys.argv[2]:
    request.add_header("Authorization", f"Bearer {sys.argv[2]}")
try:
    status = urllib.request.urlopen(request, timeout=5).status
except urllib.error.HTTPError as error:
    status = error.code
sys.exit(0 if status == int(sys.argv[3]) else f"status {status}")
"""


def schema(system: System) -> str:
    """Make the tables, by the image's own command."""
    made = system.do_json(SchemaAnswer, "ktrdr", "db", "upgrade")
    return f"{len(made.applied)} steps, schema {made.version}"


def refuses_to_be_open(system: System) -> str:
    """Make sure that no backend is open to the network while there is no token."""
    _only_if(system, "serve")
    began_s = time.monotonic()
    # One that is open goes on; how long one takes to refuse is looked at below.
    limit_s = 2 * _REFUSAL_S
    done = system.run("ktrdr", "serve", "--host", "0.0.0.0", timeout_s=limit_s)
    seconds = time.monotonic() - began_s
    if done.code == 0 or "ktrdr auth create" not in done.err + done.out:
        raise Fault(
            f"without a token `ktrdr serve` ended with exit code {done.code} and "
            f"{(done.err or done.out)[-300:]!r}, expected a refusal that names "
            "`ktrdr auth create`"
        )
    if seconds > _REFUSAL_S:
        raise Fault(
            f"the refusal took {seconds:.0f} s, at most {_REFUSAL_S:.0f} expected"
        )
    return f"exit code {done.code} after {seconds:.1f} s"


def backend(system: System) -> str:
    """Run the backend that the image starts by default, ask it, and stop it."""
    _only_if(system, "serve")
    made = system.do_json(TokenAnswer, "ktrdr", "auth", "create", "verify")
    with system.server(*_command(system, "serve")) as server:
        started = _ready_s(server, f"{_SERVER_PORT}/api/v1/health/ready")
        address = f"{server.name}:{_SERVER_PORT}"
        operations = f"http://{address}/api/v1/operations"
        _expect(server, operations, made.token)
        _expect(server, operations, "nobody", status=401)
        stopped = server.stop()
    return f"ready after {started:.1f} s, stopped in {stopped:.1f} s with exit code 0"


def worker(system: System, kind: str) -> str:
    """Run a worker until it takes work, see that it is registered, and stop it."""
    _only_if(system, kind)
    with system.server(*_command(system, kind)) as server:
        started = _ready_s(server, f"{_WORKER_PORT}/health/ready")
        _require_state(system, kind, "ready")
        stopped = server.stop()
    _require_state(system, kind, "stopped")
    return f"takes work after {started:.1f} s, stopped in {stopped:.1f} s"


def _command(system: System, role: str) -> tuple[str, ...]:
    """Return what to start it with; nothing for what it starts by default."""
    if role == system.subject.image.does[0]:
        return ()
    return ("ktrdr", "serve") if role == "serve" else ("ktrdr", "worker", role)


def _ready_s(server: Server, place: str) -> float:
    """Return how long it took to take work, which its health check then tells, too."""
    subject = server.system.subject
    url, limit_s = f"http://127.0.0.1:{place}", subject.image.ready_s
    seconds = server.seconds_until(*_asking(url), limit_s=limit_s)
    server.seconds_until(*health_command(subject), limit_s=limit_s + _ANSWER_S)
    return seconds


def _expect(server: Server, url: str, token: str = "", status: int = 200) -> None:
    limit_s = server.system.subject.image.ready_s + _ANSWER_S
    server.seconds_until(*_asking(url, token, status), limit_s=limit_s)


def _asking(url: str, token: str = "", status: int = 200) -> tuple[str, ...]:
    return ("python", "-I", "-S", "-c", _STATUS, url, token, str(status))


def _require_state(system: System, kind: str, state: str) -> None:
    found = system.query(f"SELECT state FROM ktrdr.workers WHERE kind = '{kind}'")
    if found != state:
        raise Fault(
            f"the database knows {found or 'no worker'!r} of kind {kind}, "
            f"expected {state!r}"
        )


def _only_if(system: System, role: str) -> None:
    if role not in system.subject.image.does:
        raise NotChecked(f"the image is not made for {role}")
