"""Stores, requests and whole studies for the tests of this room."""

import json

from ktrdr.progress import NoProgress
from ktrdr.schemas import ChildOutcome, StudySummaryRequest
from ktrdr.studies import run_trials, summarize_study
from ktrdr.workers.training_trials_job import run_training_trials_job

STOPS = "backtest.stops.stop_loss"
TARGET = "backtest.stops.take_profit"
LONG = "decisions.thresholds.long"


class Stopper(NoProgress):
    """Asks to stop after a number of questions."""

    def __init__(self, after):
        self.left = after

    def should_stop(self):
        self.left -= 1
        return self.left < 0


def run_plan(plan, folder, progress=None):
    """Run all jobs of a plan here, and return how each ended."""
    outcomes = []
    for number, run in enumerate(plan.runs):
        request = run.request.model_copy(
            update={
                "store": str(folder / "store"),
                "checkpoints": str(folder / f"checkpoints{number}"),
                "device": "cpu",
            }
        )
        if run.kind == "trials":
            result = run_trials(request, progress or NoProgress()).model_dump(
                mode="json"
            )
        else:
            result = run_training_trials_job(request, progress or NoProgress())
        # As it crosses processes and the database.
        result = json.loads(json.dumps(result))
        outcomes.append(ChildOutcome(title=run.title, state="completed", result=result))
    return outcomes


def summarize(study, children, folder, operation=None):
    request = StudySummaryRequest(
        study=study,
        store=str(folder / "store"),
        operation=operation,
        children=tuple(children),
    )
    return summarize_study(request, NoProgress())
