"""The job that backtests a model; it never imports torch."""

from ktrdr.backtesting import run_backtest
from ktrdr.progress import Progress
from ktrdr.schemas import BacktestRequest
from ktrdr.workers.job import job_main


def run_backtest_job(request: BacktestRequest, progress: Progress) -> dict[str, object]:
    """Backtest as the request says and return the result's digest and manifest."""
    result = run_backtest(request, progress)
    return {
        "digest": result.digest,
        "manifest": result.manifest.model_dump(mode="json"),
    }


if __name__ == "__main__":
    raise SystemExit(job_main(BacktestRequest, run_backtest_job))
