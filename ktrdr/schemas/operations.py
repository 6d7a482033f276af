"""Operations as they cross HTTP and lie in the database."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from ktrdr.schemas.document import Document


class OperationState(StrEnum):
    """Where an operation is in its life.

    pending -> running -> completed, failed or dead_letter; cancelling is running
    until its worker has let go, then cancelled. Handed back or lost, a running one
    is pending again. ``resume`` and ``retry`` make an ended one pending again.
    """

    PENDING = "pending"
    RUNNING = "running"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DEAD_LETTER = "dead_letter"

    @property
    def is_final(self) -> bool:
        """Whether nothing happens any more unless somebody asks for it."""
        return self in _FINAL


_FINAL = frozenset(
    {
        OperationState.COMPLETED,
        OperationState.FAILED,
        OperationState.CANCELLED,
        OperationState.DEAD_LETTER,
    }
)


class ProgressDocument(Document):
    """How far an operation is.

    Attributes
    ----------
    phase : str
        What it is doing.
    done, total : int, int or None
        In ``unit``; total is None when unknown.
    rate : float or None
        Units per second in this phase.
    message : str
        A detail, such as ``epoch 12: loss 0.31``.
    at : datetime
        When that was so.
    """

    phase: str
    done: int = 0
    total: int | None = None
    unit: str = ""
    rate: float | None = None
    message: str = ""
    at: datetime


class FailureDocument(Document):
    """Why an operation or attempt failed.

    Attributes
    ----------
    code : str
        Stable name, as in the table of errors.
    message : str
        What was found, what was expected, what to do.
    exit_code, http_status : int
        As in the table of errors.
    retry : bool
        Whether trying again may help.
    """

    code: str
    message: str
    exit_code: int = 1
    http_status: int = 500
    retry: bool = False


class AttemptDocument(Document):
    """One attempt at an operation, by one worker."""

    number: int
    worker: str
    started_at: datetime
    ended_at: datetime | None = None
    outcome: (
        Literal["completed", "failed", "cancelled", "handed_back", "lost"] | None
    ) = None
    error: FailureDocument | None = None


class OperationDocument(Document):
    """One operation.

    Attributes
    ----------
    id : str
        Ten letters and digits.
    kind : str
        Such as ``training``, ``backtest``, ``sweep``, ``walk_forward``.
    attempt : int
        Number of the current attempt, from 1; the fencing token.
    failures : int
        Attempts lost by crashes and passing errors; the operation is a dead letter
        when they reach ``max_failures``.
    checkpoints : dict
        Name of each network to digest of its newest checkpoint.
    n_children, n_open_children : int
        Operations that this one is made of, and those that have not ended.
    traceparent : str or None
        Trace that it is part of, in the form of W3C; None if nobody traces.
    """

    id: str
    kind: str
    title: str
    queue: str
    priority: int
    state: OperationState
    request: dict[str, Any]
    attempt: int
    failures: int
    max_failures: int
    parent: str | None = None
    n_children: int = 0
    n_open_children: int = 0
    created_by: str
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    heartbeat_at: datetime | None = None
    worker: str | None = None
    progress: ProgressDocument | None = None
    checkpoints: dict[str, str] = Field(default={})
    result: dict[str, Any] | None = None
    error: FailureDocument | None = None
    traceparent: str | None = None


class OperationDetail(OperationDocument):
    """One operation with all attempts at it."""

    attempts: tuple[AttemptDocument, ...] = ()


class OperationPage(Document):
    """Operations, newest first.

    Attributes
    ----------
    next_cursor : str or None
        What to ask the next page with; None when this is the last.
    """

    items: tuple[OperationDocument, ...]
    next_cursor: str | None = None


class EventDocument(Document):
    """Something that happened to an operation.

    Attributes
    ----------
    id : int
        Increases; ask for events after it to go on.
    type : str
        ``state`` (data: state, worker, reason), ``phase`` (name, total, unit),
        ``note`` (message), ``checkpoint`` (name, digest), ``attempt`` (number,
        reason).
    """

    id: int
    operation: str
    attempt: int
    at: datetime
    type: Literal["state", "phase", "note", "checkpoint", "attempt"]
    data: dict[str, Any] = Field(default={})


class WorkerDocument(Document):
    """One worker, as it registered and last told of itself."""

    name: str
    kind: Literal["backtest", "training"]
    device: Literal["cpu", "cuda", "mps"]
    queues: tuple[str, ...]
    concurrency: int
    host: str
    pid: int
    port: int | None = None
    build: dict[str, Any]
    state: Literal["starting", "ready", "draining", "stopped", "refused", "lost"]
    reason: str | None = None
    started_at: datetime
    heartbeat_at: datetime
    running: tuple[str, ...] = ()
