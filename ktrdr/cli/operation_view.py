"""Operations and workers as the terminal shows them; imported when needed."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ktrdr.schemas import (
    AttemptDocument,
    OperationDetail,
    OperationDocument,
    OperationState,
    ProgressDocument,
    WorkerDocument,
)

_STYLES = {
    OperationState.RUNNING: "cyan",
    OperationState.CANCELLING: "yellow",
    OperationState.COMPLETED: "green",
    OperationState.FAILED: "bold red",
    OperationState.CANCELLED: "yellow",
    OperationState.DEAD_LETTER: "bold red",
}
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))


def operations_table(operations: Sequence[OperationDocument]) -> Table:
    """Return a table of operations, one a row, that fits into 80 columns."""
    table = _table("operation", "kind", "state", "done", "created")
    table.add_column("title", no_wrap=True, overflow="ellipsis", ratio=1)
    table.expand = True
    for one in operations:
        table.add_row(
            one.id,
            one.kind,
            _state_text(one.state),
            _share(one),
            age(one.created_at),
            Text(one.title),
        )
    return table


def print_operation(console: Console, operation: OperationDetail) -> None:
    """Print all about an operation, and what can be done with it."""
    for name, value in _facts(operation):
        line = Text(f"{name:<10} ", style="bold")
        console.print(line.append(value, style=""), soft_wrap=True)
    if operation.attempts:
        console.print()
        console.print(_attempts_table(operation.attempts))
    for command, purpose in next_steps(operation):
        console.print(Text(f"\n{command:<30} {purpose}"), end="")
    console.print()


def next_steps(operation: OperationDocument) -> Iterator[tuple[str, str]]:
    """Yield commands that make sense now, each with what it is for."""
    at = operation.id
    if operation.state is OperationState.COMPLETED:
        yield f"ktrdr ops result {at}", "shows what came out"
    elif operation.state is OperationState.CANCELLED:
        yield f"ktrdr ops resume {at}", "goes on from the last checkpoint"
    elif operation.state.is_final:
        yield f"ktrdr ops retry {at}", "tries it again"
    else:
        yield f"ktrdr ops follow {at}", "shows its progress"
        if operation.state is not OperationState.CANCELLING:
            yield f"ktrdr ops cancel {at}", "ends it"


def workers_table(workers: Sequence[WorkerDocument]) -> Table:
    """Return a table of workers, one a row, that fits into 80 columns."""
    table = _table("worker", "kind", "device", "state", "seen")
    table.add_column("running", no_wrap=True, overflow="ellipsis", ratio=1)
    table.expand = True
    for one in workers:
        room = f"{len(one.running)}/{one.concurrency}"
        doing = one.reason or " ".join([room, *one.running])
        seen = age(one.heartbeat_at)
        table.add_row(one.name, one.kind, one.device, one.state, seen, Text(doing))
    return table


def age(moment: datetime) -> str:
    """Return how long ago ``moment`` was, such as ``3 min ago``."""
    return f"{duration((datetime.now(UTC) - moment).total_seconds())} ago"


def duration(seconds: float) -> str:
    """Return a length of time in its largest unit, such as ``3 min``."""
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def progress_words(progress: ProgressDocument) -> str:
    """Return how far an operation is in its phase."""
    of = "" if progress.total is None else f" of {progress.total:,}"
    rate = "" if progress.rate is None else f" ({progress.rate:,.1f}/s)"
    unit = f" {progress.unit}" if progress.unit else ""
    said = f": {progress.message}" if progress.message else ""
    return f"{progress.phase}, {progress.done:,}{of}{unit}{rate}{said}"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def _state_text(state: OperationState) -> Text:
    return Text(state.value.replace("_", " "), style=_STYLES.get(state, ""))


def _share(operation: OperationDocument) -> str:
    if operation.n_children:
        n_ended = operation.n_children - operation.n_open_children
        return f"{n_ended}/{operation.n_children}"
    progress = operation.progress
    if operation.state is not OperationState.RUNNING or not progress:
        return ""
    return f"{progress.done / progress.total:.0%}" if progress.total else progress.phase


def _facts(operation: OperationDetail) -> Iterator[tuple[str, str]]:
    yield "operation", operation.id
    yield "title", operation.title
    state = operation.state.value.replace("_", " ")
    runs = operation.state is OperationState.RUNNING and operation.worker
    yield "state", f"{state} on {operation.worker}" if runs else state
    yield "kind", f"{operation.kind}, queue {operation.queue}"
    if operation.parent:
        yield "part of", operation.parent
    if operation.n_children:
        n_ended = operation.n_children - operation.n_open_children
        yield "children", f"{n_ended} of {operation.n_children} ended"
    if operation.progress and not operation.state.is_final:
        yield "progress", progress_words(operation.progress)
    yield "created", f"{age(operation.created_at)} by {operation.created_by}"
    if operation.started_at:
        yield "started", age(operation.started_at)
    if operation.finished_at:
        yield "ended", age(operation.finished_at)
    if operation.traceparent:
        # W3C: version, trace, span, flags.
        yield "trace", operation.traceparent.split("-")[1]
    if operation.failures:
        allowed = f"{operation.failures} of at most {operation.max_failures}"
        yield "failures", allowed
    if operation.error:
        yield "error", operation.error.message


def _attempts_table(attempts: Sequence[AttemptDocument]) -> Table:
    table = _table("attempt", "worker", "started", "took", "outcome")
    table.add_column("error", no_wrap=True, overflow="ellipsis", ratio=1)
    table.expand = True
    for one in attempts:
        end = one.ended_at or datetime.now(UTC)
        table.add_row(
            str(one.number),
            one.worker,
            age(one.started_at),
            duration((end - one.started_at).total_seconds()),
            (one.outcome or "running").replace("_", " "),
            Text(one.error.message.partition("\n")[0] if one.error else ""),
        )
    return table
