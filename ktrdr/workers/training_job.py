"""The job that trains a strategy: a process of its own, since it imports torch."""

from ktrdr.progress import Progress
from ktrdr.schemas import TrainingRequest
from ktrdr.workers.job import job_main


def run_training_job(request: TrainingRequest, progress: Progress) -> dict[str, object]:
    """Train as the request says and return the outcome as JSON can hold it."""
    # Imported here, so that a missing torch is an error that the job reports.
    from ktrdr.training import train

    return train(request, progress).model_dump(mode="json")


if __name__ == "__main__":
    raise SystemExit(job_main(TrainingRequest, run_training_job))
