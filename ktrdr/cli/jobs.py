"""Run a job process from a command and draw its progress."""

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import Task

    from ktrdr.schemas import Part
    from ktrdr.workers import AdvanceEvent, JobEvent, PhaseEvent

_SECONDS_BETWEEN_PLAIN_LINES = 10.0


def run_job(
    module: str, request: "Part", *, as_json: bool = False
) -> dict[str, object]:
    """Run ``module`` on ``request`` in a child process and return its result.

    Progress goes to standard error: bars on a terminal, lines elsewhere, nothing
    with ``as_json``. An interrupt ends the job and is raised again.
    """
    from ktrdr.workers import JobProcess, PhaseEvent, ResultEvent

    with _Display(is_silent=as_json) as display, JobProcess(module, request) as job:
        # Importing its libraries takes a job seconds on a slow disk.
        display.show(PhaseEvent(event="phase", name="start", total=None, unit=""))
        for event in job.events():
            if isinstance(event, ResultEvent):
                return event.result
            display.show(event)
    raise RuntimeError("a job's events end with its result or an error")


class _Display:
    """Shows phases as they come: the current one as a bar, or as plain lines."""

    def __init__(self, *, is_silent: bool) -> None:
        from ktrdr.cli.output import notes

        self._is_silent = is_silent
        self._console = notes()
        self._bars = _progress_bars() if self._console.is_terminal else None
        self._phase: PhaseEvent | None = None
        self._began_s = self._last_line_s = time.monotonic()
        self._done = 0

    def __enter__(self) -> "_Display":
        if self._bars and not self._is_silent:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._finish_phase()
        if self._bars:
            self._bars.stop()

    def show(self, event: "JobEvent") -> None:
        from ktrdr.workers import AdvanceEvent, NoteEvent, PhaseEvent

        if self._is_silent:
            return
        if isinstance(event, PhaseEvent):
            self._begin(event)
        elif isinstance(event, AdvanceEvent):
            self._advance(event)
        elif isinstance(event, NoteEvent):
            self._console.print(f"  {event.message}", style="yellow", markup=False)

    def _begin(self, phase: "PhaseEvent") -> None:
        self._finish_phase()
        self._phase, self._done = phase, 0
        self._began_s = self._last_line_s = time.monotonic()
        if self._bars:
            self._bars.add_task(
                phase.name, total=phase.total, unit=phase.unit, message=""
            )

    def _advance(self, event: "AdvanceEvent") -> None:
        self._done = event.done
        if self._bars:
            task = self._bars.task_ids[-1]
            self._bars.update(task, completed=event.done, message=event.message)
        elif time.monotonic() - self._last_line_s >= _SECONDS_BETWEEN_PLAIN_LINES:
            self._last_line_s = time.monotonic()
            self._console.print(f"  {self._phase_name()}: {self._amount()}")

    def _finish_phase(self) -> None:
        if self._phase is None:
            return
        seconds = time.monotonic() - self._began_s
        line = f"  {self._phase.name}: {seconds:.1f} s"
        if self._bars:
            self._bars.remove_task(self._bars.task_ids[-1])
        self._console.print(line, style="dim")
        self._phase = None

    def _phase_name(self) -> str:
        return self._phase.name if self._phase else ""

    def _amount(self) -> str:
        if self._phase is None or self._phase.total is None:
            return f"{self._done:,}"
        rate = self._done / max(time.monotonic() - self._began_s, 1e-9)
        unit = self._phase.unit
        return f"{self._done:,} of {self._phase.total:,} {unit} ({rate:,.1f}/s)"


def _progress_bars() -> "Bars":
    from rich.progress import (
        BarColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.table import Column
    from rich.text import Text

    from ktrdr.cli.output import notes

    class CountColumn(ProgressColumn):
        def render(self, task: "Task") -> Text:
            known = task.total is not None
            return Text(f"{task.completed:,.0f}/{task.total:,.0f}" if known else "")

    class RateColumn(ProgressColumn):
        def render(self, task: "Task") -> Text:
            return Text(f"{task.speed:,.1f}/s" if task.speed else "")

    whole = Column(no_wrap=True)
    # On a narrow terminal the message gives way, not the numbers.
    rest = Column(no_wrap=True, overflow="ellipsis", ratio=1)
    return Progress(
        TextColumn("  {task.description}"),
        BarColumn(bar_width=16),
        CountColumn(whole),
        TextColumn("{task.fields[unit]}"),
        RateColumn(whole),
        TimeRemainingColumn(table_column=whole),
        TextColumn("{task.fields[message]}", style="dim", table_column=rest),
        console=notes(),
        transient=True,
        expand=True,
    )
