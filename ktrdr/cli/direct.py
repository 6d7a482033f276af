"""Do a command's work without a backend: in job processes of its own."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ktrdr.cli.command_trace import trace_command
from ktrdr.cli.display import Display
from ktrdr.cli.jobs import show_job
from ktrdr.errors import InputError
from ktrdr.schemas import (
    BacktestStart,
    SweepRequest,
    SweepStart,
    TrainingStart,
    WalkForwardRequest,
    WalkForwardStart,
    WorkStart,
)
from ktrdr.settings import settings

if TYPE_CHECKING:
    from ktrdr.cli.session import WorkOptions

_TRAINING_JOB = "ktrdr.workers.training_job"
_BACKTEST_JOB = "ktrdr.workers.backtest_job"
_STUDY_JOB = "ktrdr.workers.study_job"


def do_directly(start: WorkStart, options: "WorkOptions") -> Mapping[str, Any]:
    """Do the work and return its result; an interrupt ends it and is raised again."""
    trace_command()
    with Display(is_silent=options.as_json) as display:
        if isinstance(start, TrainingStart):
            return _train(start, options, display)
        if isinstance(start, BacktestStart):
            request = start.request().model_copy(update=_place())
            return show_job(_BACKTEST_JOB, request, display)
        if isinstance(start, SweepStart | WalkForwardStart):
            return _study(start, options, display)
    raise TypeError(f"no job does {type(start).__name__}")


def _train(
    start: TrainingStart, options: "WorkOptions", display: Display
) -> Mapping[str, Any]:
    request = start.request(strategy=_text_of(start.strategy), source=start.source)
    own = {**_place(), **_training_place(), "resume": options.resume}
    return show_job(_TRAINING_JOB, request.model_copy(update=own), display)


def _study(
    start: SweepStart | WalkForwardStart, options: "WorkOptions", display: Display
) -> Mapping[str, Any]:
    from ktrdr.cli.stores import artifact_store
    from ktrdr.cli.study_runs import ChildRun, StudyRuns
    from ktrdr.schemas import StudySummaryRequest
    from ktrdr.studies import plan_sweep, plan_walk_forward

    store, n_jobs = artifact_store(), options.n_jobs or os.cpu_count() or 1
    display.phase("plan")
    study: SweepRequest | WalkForwardRequest
    if isinstance(start, SweepStart):
        study = start.request(strategy=start.strategy, source=start.source)
        plan = plan_sweep(study, store, n_workers=n_jobs)
        study = study.model_copy(update={"model": plan.runs[0].request.model})
    else:
        text = _text_of(start.strategy)
        study = start.request(strategy=text, source=start.source)
        plan = plan_walk_forward(study, store)
    # Kept with what is read, so that it can be done again after an import.
    study = study.model_copy(update={"snapshots": plan.snapshots})
    own = {**_place(), **_training_place()}
    runs = [
        ChildRun(
            module=_module_of(run.kind),
            title=run.title,
            request=run.request.model_copy(update=own),
            n_trials=len(run.request.trials),
        )
        for run in plan.runs
    ]
    display.finish_phase()
    display.line(plan.title)
    children = StudyRuns(runs, n_jobs=n_jobs, display=display).run()
    summary = StudySummaryRequest(study=study, children=children, **_place())
    return show_job(_STUDY_JOB, summary, display)


def _place() -> dict[str, str]:
    return {"store": settings().store_location}


def _training_place() -> dict[str, object]:
    return {
        "checkpoints": str(settings().checkpoints_path),
        "threads": settings().threads,
    }


def _text_of(strategy: str | None) -> str:
    if strategy is None:
        raise InputError("a strategy's name is known to a backend alone")
    return strategy


def _module_of(kind: str) -> str:
    from ktrdr.workers import kind_of

    module = kind_of(kind).module
    if module is None:
        raise TypeError(f"operations of kind {kind} run no process")
    return module
