"""The border of a command: how errors leave the process."""

import io
import os
import sys
import traceback
from contextlib import suppress

import typer

from ktrdr.cli.command_trace import end_command_trace

_INTERRUPTED_EXIT_CODE = 130


class Detached(Exception):
    """The user left an operation that goes on; the message says how to return."""


def run(command: typer.Typer) -> int:
    """Run ``command`` on the process's arguments and return its exit code."""
    _make_printing_safe()
    try:
        command(standalone_mode=True)
    except SystemExit as leaving:
        return _finish(_exit_code(leaving))
    except KeyboardInterrupt:
        return _finish(_tell_interrupt())
    except Detached as leaving:
        return _finish(_tell_detached(leaving))
    except Exception as error:
        return _finish(_report_error(error))
    return _finish(0)


def _make_printing_safe() -> None:
    # Both are None where the caller has closed them.
    sys.stdout = sys.stdout or open(os.devnull, "w")
    sys.stderr = sys.stderr or open(os.devnull, "w")
    # A question mark for what the terminal can't show beats a lost result.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _exit_code(leaving: SystemExit) -> int:
    code = leaving.code if isinstance(leaving.code, int) else 1
    if code == _INTERRUPTED_EXIT_CODE:
        return _tell_interrupt()
    # Typer leaves while it handles a wrong usage, which it has told in words.
    if isinstance(leaving.__context__, typer.TyperException):
        _print_document("input_invalid", leaving.__context__.format_message())
    return code


def _tell_interrupt() -> int:
    _print_document("cancelled", "interrupted")
    sys.stderr.write("Interrupted.\n")
    return _INTERRUPTED_EXIT_CODE


def _tell_detached(leaving: Detached) -> int:
    _print_document("detached", str(leaving))
    sys.stderr.write(f"{leaving}\n")
    return _INTERRUPTED_EXIT_CODE


def _report_error(error: Exception) -> int:
    from ktrdr.errors import handling_of, is_defect, message_of

    handling, message = handling_of(error), message_of(error)
    _print_document(handling.code, message)
    if is_defect(error):
        traceback.print_exc()
        sys.stderr.write("This is a defect of ktrdr: please report it.\n")
    else:
        sys.stderr.write(f"Error: {message}\n")
    return handling.exit_code


def _print_document(code: str, message: str) -> None:
    from ktrdr.cli.output import print_json

    if "--json" in sys.argv:
        # Standard output may be what failed.
        with suppress(OSError):
            print_json({"error": {"code": code, "message": message}})


def _finish(code: int) -> int:
    end_command_trace(code)
    # What is left in the buffer is written here, where a failure can be told.
    try:
        sys.stdout.flush()
    except OSError as error:
        # Python would try once more on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        is_pipe = isinstance(error, BrokenPipeError)
        return code or (1 if is_pipe else _report_error(error))
    return code
