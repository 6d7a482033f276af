"""One thing that an image is held to, and how it came out."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ktrdr.errors import KtrdrError, RunError

Outcome = Literal["passed", "failed", "skipped"]


class Fault(RunError):
    """An image is not what it should be; says what was found and expected."""


class NotChecked(KtrdrError):
    """Here it can't be told; says why."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """How one check came out.

    Attributes
    ----------
    name : str
    outcome : str
        ``passed``, ``failed`` or ``skipped``.
    detail : str
        What was found; for a failure also what was expected.
    seconds : float
        How long it took.
    """

    name: str
    outcome: Outcome
    detail: str
    seconds: float


def check(name: str, judge: Callable[[], str]) -> Check:
    """Return how ``judge`` came out, which returns what it found or raises."""
    began_s = time.monotonic()
    outcome: Outcome = "passed"
    try:
        detail = judge()
    except NotChecked as reason:
        outcome, detail = "skipped", str(reason)
    # An engine that fails at what every sound image lets it do is a failure too.
    except KtrdrError as error:
        outcome, detail = "failed", str(error)
    seconds = time.monotonic() - began_s
    return Check(name=name, outcome=outcome, detail=detail, seconds=seconds)


def require_none(found: list[str], what: str, *, most: int = 8) -> None:
    """Raise if there are any.

    Raises
    ------
    Fault
        Names the first ``most`` of them.
    """
    if not found:
        return
    named = ", ".join(found[:most])
    more = f" and {len(found) - most} more" if len(found) > most else ""
    raise Fault(f"{len(found)} {what}: {named}{more}")
