"""Run the children of a study without a server: several job processes at once."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from queue import SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Literal

from ktrdr.errors import message_of
from ktrdr.schemas import ChildOutcome, Part
from ktrdr.workers import (
    AdvanceEvent,
    JobEvent,
    JobProcess,
    NoteEvent,
    PhaseEvent,
    ResultEvent,
)

if TYPE_CHECKING:
    from ktrdr.cli.display import Display

_TRIALS = "trials"


class ChildRun:
    """One child of a study: what runs, and how many trials it holds."""

    def __init__(self, module: str, title: str, request: Part, n_trials: int) -> None:
        self.module = module
        self.title = title
        self.request = request
        self.n_trials = n_trials


class StudyRuns:
    """Runs children side by side and shows their progress as one.

    Parameters
    ----------
    runs : sequence of ChildRun
    n_jobs : int
        How many job processes at once.
    display : Display
    """

    def __init__(
        self, runs: Sequence[ChildRun], *, n_jobs: int, display: "Display"
    ) -> None:
        self._runs = runs
        self._n_jobs = n_jobs
        self._display = display
        self._events: SimpleQueue[tuple[int, JobEvent | ChildOutcome]] = SimpleQueue()
        self._lock = Lock()
        self._jobs: set[JobProcess] = set()
        self._is_interrupted = False
        self._notes: set[str] = set()
        self._phases: dict[int, PhaseEvent] = {}
        self._done = [0] * len(runs)

    def run(self) -> tuple[ChildOutcome, ...]:
        """Run all children and return how each ended, in their order.

        An interrupt ends those that run and is raised again.
        """
        outcomes: dict[int, ChildOutcome] = {}
        total = sum(run.n_trials for run in self._runs)
        self._display.phase(_TRIALS, total, _TRIALS)
        with ThreadPoolExecutor(self._n_jobs) as pool:
            for number in range(len(self._runs)):
                # A thread is part of the command's trace when it is told so.
                pool.submit(copy_context().run, self._run_one, number)
            try:
                while len(outcomes) < len(self._runs):
                    number, event = self._events.get()
                    if isinstance(event, ChildOutcome):
                        outcomes[number] = event
                    self._show(number, event)
            except BaseException:
                self._interrupt(pool)
                raise
        return tuple(outcomes[number] for number in range(len(self._runs)))

    def _run_one(self, number: int) -> None:
        run = self._runs[number]
        try:
            result = self._result_of(number)
        # The border of a thread: its error would be lost, its outcome waited for.
        except Exception as error:
            outcome = _outcome(run, "failed", error=message_of(error))
        else:
            outcome = _outcome(run, "completed", result=result)
        self._events.put((number, outcome))

    def _result_of(self, number: int) -> dict[str, object]:
        run = self._runs[number]
        with JobProcess(run.module, run.request) as job:
            self._remember(job)
            try:
                for event in job.events():
                    if isinstance(event, ResultEvent):
                        return event.result
                    self._events.put((number, event))
            finally:
                with self._lock:
                    self._jobs.discard(job)
        raise RuntimeError("a job's events end with its result or an error")

    def _remember(self, job: JobProcess) -> None:
        with self._lock:
            self._jobs.add(job)
            if self._is_interrupted:
                job.terminate()

    def _interrupt(self, pool: ThreadPoolExecutor) -> None:
        with self._lock:
            self._is_interrupted = True
            for job in self._jobs:
                job.terminate()
        pool.shutdown(wait=True, cancel_futures=True)

    def _show(self, number: int, event: JobEvent | ChildOutcome) -> None:
        run = self._runs[number]
        message = ""
        if isinstance(event, PhaseEvent):
            self._phases[number] = event
            message = f"{run.title}: {event.name}"
        elif isinstance(event, NoteEvent):
            self._note_once(event.message)
        elif isinstance(event, AdvanceEvent):
            phase = self._phases.get(number)
            if phase is not None and phase.unit == _TRIALS:
                self._done[number] = min(event.done, run.n_trials)
            message = f"{run.title}: {phase.name if phase else ''}"
        elif isinstance(event, ChildOutcome):
            self._done[number] = run.n_trials
            if event.error is not None:
                self._display.note(f"{run.title} failed: {event.error}")
        self._display.advance(sum(self._done), message)

    def _note_once(self, message: str) -> None:
        # What holds for one child mostly holds for all.
        if message not in self._notes:
            self._notes.add(message)
            self._display.note(message)


def _outcome(
    run: ChildRun,
    state: Literal["completed", "failed"],
    *,
    result: dict[str, object] | None = None,
    error: str | None = None,
) -> ChildOutcome:
    return ChildOutcome(title=run.title, state=state, result=result, error=error)
