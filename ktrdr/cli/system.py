"""Which system commands talk to: a backend by URL, the one of `ktrdr up`, or none."""

import atexit
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ktrdr.client import Client

_PATIENCE_S = 20.0
_FIRST_PATIENCE_S = 1.0


def named_url(url: str | None) -> str | None:
    """Return the backend that the user names: by ``--url``, else KTRDR_API_URL."""
    from ktrdr.settings import settings

    return url or settings().api_url


def system_url(url: str | None) -> str | None:
    """Return the backend to use: the one named, else that of `ktrdr up`, else None."""
    from ktrdr.cli.local.state import running_system
    from ktrdr.settings import settings

    named = named_url(url)
    if named is not None:
        return named
    running = running_system(settings().run_path)
    return running.url if running else None


def required_client(url: str | None) -> "Client":
    """Return a client of the backend to use.

    Raises
    ------
    BackendError
        If none is named and none runs here.
    """
    from ktrdr.errors import BackendError

    found = system_url(url)
    if found is None:
        raise BackendError(
            "no backend runs here and none is named: start one with `ktrdr up`, or "
            "name one with --url or KTRDR_API_URL"
        )
    return client_of(found)


@cache
def client_of(url: str) -> "Client":
    """Return the client of the backend at ``url``; one for the whole process."""
    from ktrdr.cli.command_trace import trace_command
    from ktrdr.cli.local.state import running_system
    from ktrdr.client import Client
    from ktrdr.settings import settings

    trace_command()
    token = settings().api_token
    running = running_system(settings().run_path)
    # What `ktrdr up` runs is there, or being started again.
    is_ours = running is not None and running.url == url
    client = Client(
        url,
        token.get_secret_value() if token else None,
        first_patience_s=_PATIENCE_S if is_ours else _FIRST_PATIENCE_S,
    )
    atexit.register(client.close)
    return client
