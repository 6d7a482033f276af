"""Operations: durable long runs, their attempts, events and queue.

Nothing here imports Procrastinate until the first job is made.
"""

from ktrdr.operations.digests import named_digests
from ktrdr.operations.follow import follow
from ktrdr.operations.listener import Listener, Subscription
from ktrdr.operations.metrics import Metrics, QueueDepth, StateCount
from ktrdr.operations.model import (
    AttemptToken,
    Created,
    NewOperation,
    OperationFilter,
)
from ktrdr.operations.operations import Operations
from ktrdr.operations.queue import TASK, make_app
from ktrdr.operations.stalled import sweep_times
from ktrdr.operations.workers import NewWorker, WorkerRegistry, WorkerState

__all__ = [
    "TASK",
    "AttemptToken",
    "Created",
    "Listener",
    "Metrics",
    "NewOperation",
    "NewWorker",
    "OperationFilter",
    "Operations",
    "QueueDepth",
    "StateCount",
    "Subscription",
    "WorkerRegistry",
    "WorkerState",
    "follow",
    "make_app",
    "named_digests",
    "sweep_times",
]
