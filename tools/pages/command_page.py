"""The page of a command: everything that its ``--help`` tells, on one page."""

from collections.abc import Iterator
from typing import Any

import typer
from typer.main import get_command

from tools.pages.markdown import code, page, table


def command_page(name: str, app: typer.Typer) -> str:
    """Return the page of the program ``name``."""
    # Typer's own classes of commands are not public.
    command: Any = get_command(app)
    return page(f"The command {code(name)}", _parts(command, [name], None))


def _parts(command: Any, path: list[str], parent: Any) -> Iterator[str]:
    context = command.context_class(command, info_name=path[-1], parent=parent)
    if parent is not None:
        yield f"{'#' * len(path)} {' '.join(path)}"
    yield command.help or ""
    commands = getattr(command, "commands", {})
    if not commands:
        yield f"```text\n{_usage(command, context)}\n```"
    yield table(("argument or option", "meaning"), _rows(command, context))
    for name, inner in commands.items():
        if not inner.hidden:
            yield from _parts(inner, [*path, name], context)


def _usage(command: Any, context: Any) -> str:
    words = [context.command_path, *command.collect_usage_pieces(context)]
    return " ".join(words)


def _rows(command: Any, context: Any) -> Iterator[tuple[str, str]]:
    for parameter in command.params:
        # It is there for each program and says the same.
        record = parameter.get_help_record(context)
        if record is not None and parameter.name not in _OF_EVERY_PROGRAM:
            yield code(record[0]), record[1]


_OF_EVERY_PROGRAM = {"help", "install_completion", "show_completion"}
