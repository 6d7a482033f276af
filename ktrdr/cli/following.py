"""Follow an operation on the display, and tell how it ended."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ktrdr.cli.border import Detached
from ktrdr.cli.display import Display
from ktrdr.cli.output import notes
from ktrdr.errors import Handling, JobCancelled, JobFailed
from ktrdr.schemas import EventDocument, OperationDocument, OperationState

if TYPE_CHECKING:
    from ktrdr.client import Client

_CHILDREN = "children"


def follow_operation(
    client: "Client", operation: OperationDocument, *, as_json: bool
) -> OperationDocument:
    """Show the operation's progress until it has ended; return it as it ended.

    Raises
    ------
    Detached
        If the user interrupts: the operation goes on.
    """
    at = operation.id
    if not as_json:
        line = f"Operation {at}: {operation.title}"
        notes().print(line, markup=False, soft_wrap=True)
    try:
        with Display(is_silent=as_json) as display:
            return _follow(client, operation, display)
    except KeyboardInterrupt:
        raise Detached(
            f"Operation {at} goes on: `ktrdr ops follow {at}` shows it, "
            f"`ktrdr ops cancel {at}` ends it."
        ) from None


def result_of(operation: OperationDocument) -> Mapping[str, Any]:
    """Return what came out of an operation that has ended.

    Raises
    ------
    JobCancelled, JobFailed
        If nothing did; with the exit code of what went wrong.
    """
    if operation.state is OperationState.COMPLETED:
        return operation.result or {}
    if operation.state is OperationState.CANCELLED:
        raise JobCancelled(
            f"operation {operation.id} was cancelled; `ktrdr ops resume "
            f"{operation.id}` goes on from its last checkpoint"
        )
    failure = operation.error
    if failure is None:
        raise JobFailed(
            f"operation {operation.id} failed without a reason",
            Handling(code="internal", exit_code=1, http_status=500),
        )
    handling = Handling(**failure.model_dump(exclude={"message"}))
    raise JobFailed(_why(operation, failure.message), handling)


def _why(operation: OperationDocument, message: str) -> str:
    if operation.state is not OperationState.DEAD_LETTER:
        return message
    return (
        f"given up after {operation.failures} attempts that failed: {message}; "
        f"`ktrdr ops retry {operation.id}` tries it again"
    )


def _follow(
    client: "Client", operation: OperationDocument, display: Display
) -> OperationDocument:
    for told in client.operations.follow(operation.id):
        if isinstance(told, OperationDocument):
            operation = told
            _show_operation(display, operation)
        else:
            _show_event(display, told, is_parent=operation.n_children > 0)
    return operation


def _show_event(display: Display, event: EventDocument, *, is_parent: bool) -> None:
    data = event.data
    if event.type == "phase":
        display.phase(data["name"], data["total"], data["unit"], at=event.at)
    elif event.type == "note":
        display.note(data["message"])
    elif event.type == "attempt" and data.get("reason"):
        display.note(f"attempt {data['number']}: {data['reason']}")
    elif event.type == "state":
        state = OperationState(data["state"])
        _show_state(display, state, event, is_parent=is_parent)


def _show_state(
    display: Display, state: OperationState, event: EventDocument, *, is_parent: bool
) -> None:
    if state.is_final:
        display.finish_phase(at=event.at)
    elif state is OperationState.CANCELLING:
        display.note("cancelling")
    elif is_parent and "worker" not in event.data:
        return  # Its children are at work, it has nothing to do itself yet.
    elif state is OperationState.PENDING:
        display.phase("wait for a worker", at=event.at)
    else:
        display.phase("start", at=event.at)


def _show_operation(display: Display, operation: OperationDocument) -> None:
    if operation.state.is_final:
        return
    if operation.n_open_children:
        if display.current_phase != _CHILDREN:
            since = operation.started_at or operation.created_at
            display.phase(_CHILDREN, operation.n_children, "operations", at=since)
        display.advance(operation.n_children - operation.n_open_children)
        return
    progress = operation.progress
    # Before its own job begins, what a study last told is about its children.
    if progress is not None and progress.phase == display.current_phase:
        display.advance(progress.done, progress.message)
