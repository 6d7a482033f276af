"""The job that puts the trials of a study together; it never imports torch."""

from ktrdr.progress import Progress
from ktrdr.schemas import StudySummaryRequest
from ktrdr.studies import summarize_study
from ktrdr.workers.job import job_main


def run_study_job(
    request: StudySummaryRequest, progress: Progress
) -> dict[str, object]:
    """Summarize the study, store the summary and return it with its digest."""
    digest, summary = summarize_study(request, progress)
    return {"digest": digest, "summary": summary.model_dump(mode="json")}


if __name__ == "__main__":
    raise SystemExit(job_main(StudySummaryRequest, run_study_job))
