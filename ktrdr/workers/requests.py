"""What a job process is asked: the operation's request, completed by its worker."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ktrdr.schemas import ChildOutcome, OperationDocument
from ktrdr.workers.kinds import Kind


@dataclass(frozen=True, kw_only=True)
class WorkerValues:
    """What only the worker knows.

    Attributes
    ----------
    store : str
        Folder or URL of the artifact store.
    device : str
        Where requests that leave it open are trained.
    threads : int
        Threads that one training uses.
    """

    store: str
    device: str
    threads: int


def fill_request(
    kind: Kind,
    operation: OperationDocument,
    values: WorkerValues,
    *,
    checkpoints: Path,
    resume: bool,
    children: Sequence[ChildOutcome] | None = None,
) -> dict[str, Any]:
    """Return the request as the job of ``kind`` reads it."""
    asked: dict[str, Any] = dict(operation.request)
    if children is not None:
        outcomes = [child.model_dump(mode="json") for child in children]
        asked = {"study": asked, "children": outcomes}
    device = asked.get("device", "auto")
    known = {
        "store": values.store,
        "operation": operation.id,
        "checkpoints": str(checkpoints),
        "device": values.device if device == "auto" else device,
        "threads": values.threads,
        "resume": resume,
        "restart_if_unusable": True,
    }
    return asked | {name: known[name] for name in kind.fields}
