"""The job that trains a strategy as a study wants it, then backtests its settings."""

from ktrdr.errors import InputError
from ktrdr.progress import Progress
from ktrdr.schemas import TrainingRequest, TrialsRequest
from ktrdr.strategy import with_overrides
from ktrdr.studies import run_trials
from ktrdr.workers.job import job_main


def run_training_trials_job(
    request: TrialsRequest, progress: Progress
) -> dict[str, object]:
    """Train, store the model, and return where the table of its trials is.

    An attempt after the model was stored goes on with that model.
    """
    # Imported here, so that a missing torch is an error that the job reports.
    from ktrdr.training import train

    if request.strategy is None:
        raise InputError("the request names no strategy to train")
    named = {} if request.model_name is None else {"name": request.model_name}
    text, strategy = with_overrides(
        request.strategy, {**request.training, **named}, request.source
    )
    trained = strategy.training_data.symbols
    training = TrainingRequest(
        strategy=text,
        source=request.source,
        store=request.store,
        checkpoints=request.checkpoints,
        snapshots={
            symbol: pins
            for symbol, pins in request.snapshots.items()
            if symbol in trained
        },
        resume=request.resume,
        device=request.device,
        threads=request.threads,
        operation=request.operation,
        restart_if_unusable=True,
    )
    model = train(training, progress).model
    trials = request.model_copy(update={"model": model})
    return run_trials(trials, progress).model_dump(mode="json")


if __name__ == "__main__":
    raise SystemExit(job_main(TrialsRequest, run_training_trials_job))
