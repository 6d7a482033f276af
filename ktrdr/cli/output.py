"""What commands print, and where: results on stdout, everything else on stderr."""

import json
import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


@cache
def console() -> "Console":
    """Return the console for results."""
    from rich.console import Console

    return Console(highlight=False)


@cache
def notes() -> "Console":
    """Return the console for progress, notes and errors."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def print_json(value: object) -> None:
    """Print ``value`` as one JSON document."""
    is_unicode = sys.stdout.encoding.lower().replace("-", "") == "utf8"
    text = json.dumps(value, indent=2, ensure_ascii=not is_unicode, allow_nan=False)
    sys.stdout.write(text + "\n")
