"""Logs of servers and workers: to standard error, as text or JSON."""

import logging
import sys
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from ktrdr.tracing import current_trace_id

# They tell of every job and connection; what matters of that we tell ourselves.
_QUIET = ("procrastinate", "psycopg.pool", "uvicorn", "asyncio")


def set_up_logs(level: str, form: Literal["text", "json"]) -> None:
    """Let this process log from ``level`` on, libraries that log included.

    What ``structlog.contextvars`` binds, such as an operation's id, is in every
    line of the task that bound it; so is the id of the trace that it is part of.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _add_trace,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(form),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _add_trace(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    trace_id = current_trace_id()
    return line if trace_id is None else {**line, "trace_id": trace_id}


def _renderers(form: Literal["text", "json"]) -> list[Processor]:
    if form == "json":
        return [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    is_terminal = sys.stderr.isatty()
    plain = structlog.dev.plain_traceback
    return [
        structlog.dev.ConsoleRenderer(colors=is_terminal, exception_formatter=plain)
    ]
