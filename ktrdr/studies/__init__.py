"""Studies: sweeps over parameters and walk-forward windows, and their summary."""

from ktrdr.studies.luck import (
    deflated_sharpe,
    expected_maximum,
    probabilistic_sharpe,
)
from ktrdr.studies.outcome import TrialsOutcome
from ktrdr.studies.plan import PlannedRun, StudyPlan
from ktrdr.studies.points import MOST_POINTS
from ktrdr.studies.run_trials import run_trials
from ktrdr.studies.sentences import measure_text, parameters_text
from ktrdr.studies.study_store import (
    blobs_of_study,
    find_study,
    list_studies,
    load_study,
    save_study,
)
from ktrdr.studies.summary import summarize_study
from ktrdr.studies.sweep import METRICS, plan_sweep
from ktrdr.studies.trial_table import TrialRow, rows_of_table, trial_table
from ktrdr.studies.trials import TrialBench
from ktrdr.studies.walk_forward import plan_walk_forward
from ktrdr.studies.windows import Window, make_windows

__all__ = [
    "METRICS",
    "MOST_POINTS",
    "PlannedRun",
    "StudyPlan",
    "TrialBench",
    "TrialRow",
    "TrialsOutcome",
    "Window",
    "blobs_of_study",
    "deflated_sharpe",
    "expected_maximum",
    "find_study",
    "list_studies",
    "load_study",
    "make_windows",
    "measure_text",
    "parameters_text",
    "plan_sweep",
    "plan_walk_forward",
    "probabilistic_sharpe",
    "rows_of_table",
    "run_trials",
    "save_study",
    "summarize_study",
    "trial_table",
]
