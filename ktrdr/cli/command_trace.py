"""The span of a command, from its first question to its end.

Imported by the border of every command, so it imports nothing by itself.
"""

import os
import sys
from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ktrdr.tracing import Span

_open = ExitStack()


@cache
def trace_command() -> "Span":
    """Begin the command's span; asked again, return the same."""
    from ktrdr.settings import settings
    from ktrdr.tracing import (
        TRACEPARENT_VARIABLE,
        continue_trace,
        span,
        start_tracing,
        stop_tracing,
    )

    # Of whoever started this command, such as a job of a CI system.
    continue_trace(os.environ.get(TRACEPARENT_VARIABLE))
    start_tracing("ktrdr-cli", settings().otlp_endpoint, is_silent=True)
    _open.callback(stop_tracing)
    return _open.enter_context(span(_name_of_command()))


def _name_of_command() -> str:
    # Without its arguments, which are nobody's business.
    from ktrdr.cli.main import app

    groups = {group.name for group in app.registered_groups}
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    n_words = 2 if words and words[0] in groups else 1
    return " ".join(["ktrdr", *words[:n_words]])


def end_command_trace(exit_code: int) -> None:
    """End the command's span, if it has begun, and send it."""
    if not trace_command.cache_info().currsize:
        return
    told = trace_command()
    told.tell(exit_code=exit_code)
    if exit_code:
        told.fail(f"exit code {exit_code}")
    _open.close()
