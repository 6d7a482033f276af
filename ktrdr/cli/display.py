"""How far work is, on standard error: bars on a terminal, plain lines elsewhere."""

import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import Task

    from ktrdr.progress import Unit
    from ktrdr.workers import JobEvent

_SECONDS_BETWEEN_PLAIN_LINES = 10.0


class Display:
    """Shows phases as they come, the current one with rate and time left.

    A ``Progress``, used as a context manager; silent, for ``--json``, it shows nothing.
    """

    def __init__(self, *, is_silent: bool) -> None:
        from ktrdr.cli.output import notes

        self._is_silent = is_silent
        self._console = notes()
        self._bars = _progress_bars() if self._console.is_terminal else None
        self._phase = ""
        self._total: int | None = None
        self._unit = ""
        self._began_s = self._last_line_s = time.time()
        self._done = 0

    def __enter__(self) -> "Display":
        if self._bars and not self._is_silent:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.finish_phase()
        if self._bars:
            self._bars.stop()

    @property
    def current_phase(self) -> str:
        """Name of the phase that is shown; empty between phases."""
        return self._phase

    def phase(
        self,
        name: str,
        total: int | None = None,
        unit: str = "",
        *,
        at: datetime | None = None,
    ) -> None:
        """Show that a phase begins, or began at ``at``, and how long the last took."""
        self.finish_phase(at=at)
        if self._is_silent:
            return
        self._phase, self._total, self._unit, self._done = name, total, unit, 0
        self._began_s = at.timestamp() if at else time.time()
        self._last_line_s = time.time()
        if self._bars:
            self._bars.add_task(name, total=total, unit=unit, message="")

    def advance(self, done: int, message: str = "") -> None:
        """Show how much of the phase is done."""
        if self._is_silent or not self._phase:
            return
        self._done = done
        if self._bars:
            task = self._bars.task_ids[-1]
            self._bars.update(task, completed=done, message=message)
        elif time.time() - self._last_line_s >= _SECONDS_BETWEEN_PLAIN_LINES:
            self._last_line_s = time.time()
            self._console.print(f"  {self._phase}: {self._amount()}")

    def note(self, message: str) -> None:
        """Show one thing worth knowing."""
        if not self._is_silent:
            self._console.print(f"  {message}", style="yellow", markup=False)

    def work(self, unit: "Unit", n: int) -> None:
        """Show nothing: phases tell how fast they go."""

    def checkpoint(self, name: str, path: Path) -> None:
        """Show nothing: it is of no use to somebody who watches."""

    def should_stop(self) -> bool:
        """Return False: whoever watches interrupts instead."""
        return False

    def line(self, message: str) -> None:
        """Show a line that stays, above the bars."""
        if not self._is_silent:
            self._console.print(message, markup=False, soft_wrap=True)

    def finish_phase(self, *, at: datetime | None = None) -> None:
        """Show how long the phase took, now or at ``at``, if one is shown."""
        if not self._phase:
            return
        ended_s = at.timestamp() if at else time.time()
        seconds = max(ended_s - self._began_s, 0.0)
        if self._bars:
            self._bars.remove_task(self._bars.task_ids[-1])
        self._console.print(
            f"  {self._phase}: {seconds:.1f} s", style="dim", markup=False
        )
        self._phase = ""

    def _amount(self) -> str:
        if self._total is None:
            return f"{self._done:,} {self._unit}".rstrip()
        amount = f"{self._done:,} of {self._total:,} {self._unit}".rstrip()
        if not self._done:
            return amount
        rate = self._done / max(time.time() - self._began_s, 1e-9)
        left = _clock((self._total - self._done) / rate)
        return f"{amount} ({rate:,.1f}/s, {left} left)"


def show_event(display: Display, event: "JobEvent") -> None:
    """Show what a job process told."""
    from ktrdr.workers import AdvanceEvent, NoteEvent, PhaseEvent

    if isinstance(event, PhaseEvent):
        display.phase(event.name, event.total, event.unit)
    elif isinstance(event, AdvanceEvent):
        display.advance(event.done, event.message)
    elif isinstance(event, NoteEvent):
        display.note(event.message)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


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
