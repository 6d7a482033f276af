"""The job that backtests many settings of a trained model; it never imports torch."""

from ktrdr.progress import Progress
from ktrdr.schemas import TrialsRequest
from ktrdr.studies import run_trials
from ktrdr.workers.job import job_main


def run_trials_job(request: TrialsRequest, progress: Progress) -> dict[str, object]:
    """Backtest the request's trials and return where their table is."""
    return run_trials(request, progress).model_dump(mode="json")


if __name__ == "__main__":
    raise SystemExit(job_main(TrialsRequest, run_trials_job))
