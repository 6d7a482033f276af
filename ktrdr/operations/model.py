"""What operations are asked with and answer with, beside the documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ktrdr.schemas import OperationDocument, OperationState


@dataclass(frozen=True, kw_only=True)
class NewOperation:
    """What an operation is created from.

    Attributes
    ----------
    kind, title, queue : str
        What is done, in words for people, and whose queue its job joins.
    request : dict
        What the job process is given, as JSON.
    priority : int
        Higher first; equal ones in the order of creation.
    created_by : str
        Name of the token, ``local`` without one.
    idempotency_key : str or None
        Asked again with the same key and request, the same operation is returned.
    request_digest : str
        Of what was asked, to tell a repeat from another request with the same key.
    max_failures : int or None
        When to give up; None is the setting.
    """

    kind: str
    title: str
    queue: str
    request: Mapping[str, Any]
    priority: int = 0
    created_by: str = "local"
    idempotency_key: str | None = None
    request_digest: str = ""
    max_failures: int | None = None


@dataclass(frozen=True, kw_only=True)
class AttemptToken:
    """The right to write about an operation: lost as soon as a newer one exists."""

    operation: str
    attempt: int

    def __str__(self) -> str:
        return f"attempt {self.attempt} of operation {self.operation}"


@dataclass(frozen=True, kw_only=True)
class OperationFilter:
    """Which operations to list; None and empty are no condition."""

    states: Sequence[OperationState] = ()
    kinds: Sequence[str] = ()
    parent: str | None = None
    # Children are left out of a list of all operations.
    with_children: bool = False
    created_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class Created:
    """An operation, and whether this call made it."""

    operation: OperationDocument
    is_new: bool = field(default=True)
