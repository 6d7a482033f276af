"""The backend: HTTP in front of operations, data and models; it never loads torch."""

from typing import TYPE_CHECKING

from ktrdr.api.tokens import Tokens

if TYPE_CHECKING:
    from ktrdr.settings import Settings

__all__ = ["Tokens", "serve"]


def serve(config: "Settings") -> None:
    """Serve until SIGTERM or SIGINT; see ``ktrdr.api.serving.serve``."""
    # Not above: the app, which imports this package first, is served by it.
    from ktrdr.api import serving

    serving.serve(config)
