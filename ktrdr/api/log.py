"""The backend's log."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger


@cache
def log() -> "BoundLogger":
    """Return the log; loaded at the first line, since it costs 0.1 s."""
    import structlog

    if not structlog.is_configured():
        _keep_values_back()
    return structlog.stdlib.get_logger("ktrdr.api")


def _keep_values_back() -> None:
    # Without `ktrdr serve`, which sets up the log, tracebacks would tell the values
    # of variables, secrets among them, and take their time for it.
    import structlog

    plain = structlog.dev.plain_traceback
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain),
        ],
    )
