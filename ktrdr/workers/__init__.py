"""Job processes: how they are started, and what they run."""

from ktrdr.workers.process import (
    AdvanceEvent,
    JobEvent,
    JobProcess,
    NoteEvent,
    PhaseEvent,
    ResultEvent,
)

__all__ = [
    "AdvanceEvent",
    "JobEvent",
    "JobProcess",
    "NoteEvent",
    "PhaseEvent",
    "ResultEvent",
]
