"""Job processes and the workers that run them."""

from ktrdr.workers.events import (
    AdvanceEvent,
    CheckpointEvent,
    JobEvent,
    NoteEvent,
    PhaseEvent,
    ResultEvent,
    WorkEvent,
)
from ktrdr.workers.kinds import kind_of
from ktrdr.workers.launch import run_worker
from ktrdr.workers.options import WorkerOptions
from ktrdr.workers.process import JobProcess

__all__ = [
    "AdvanceEvent",
    "CheckpointEvent",
    "JobEvent",
    "JobProcess",
    "NoteEvent",
    "PhaseEvent",
    "ResultEvent",
    "WorkEvent",
    "WorkerOptions",
    "kind_of",
    "run_worker",
]
