"""Put the trials of a study together, and keep what came out."""

from datetime import UTC, datetime

from ktrdr.build_info import build_info
from ktrdr.models import load_manifest
from ktrdr.progress import Progress
from ktrdr.schemas import (
    StudySummary,
    StudySummaryRequest,
    SweepRequest,
    SweepSummary,
    WalkForwardSummary,
)
from ktrdr.storage import ArtifactStore, Digest, open_store
from ktrdr.strategy import parse_strategy
from ktrdr.studies.sentences import sweep_sentences, walk_forward_sentences
from ktrdr.studies.study_store import claimed_study, load_study, save_study
from ktrdr.studies.sweep_summary import summarize_sweep
from ktrdr.studies.walk_forward_summary import summarize_walk_forward


def summarize_study(
    request: StudySummaryRequest, progress: Progress
) -> tuple[Digest, StudySummary]:
    """Summarize the study, store the summary and return it with its digest.

    With an operation, the summary that the first attempt at it to finish has kept.

    Raises
    ------
    BacktestError
        If none of the children was completed.
    """
    store = open_store(request.store)
    operation = request.operation
    kept = claimed_study(store, operation) if operation is not None else None
    if kept is None:
        kept = save_study(store, _summary(store, request, progress), operation)
    return kept, load_study(store, kept)


def _summary(
    store: ArtifactStore, request: StudySummaryRequest, progress: Progress
) -> StudySummary:
    study = request.study
    sweep: SweepSummary | None = None
    walk: WalkForwardSummary | None = None
    if isinstance(study, SweepRequest):
        sweep = summarize_sweep(store, request, study, progress)
        name = _name_of(store, study, sweep)
        sentences = sweep_sentences(sweep)
        title = f"sweep of {name}: {sweep.n_trials:,} trials"
    else:
        walk = summarize_walk_forward(store, study, request.children, progress)
        name = parse_strategy(study.strategy, study.source).name
        sentences = walk_forward_sentences(walk)
        title = f"walk-forward of {name}: {len(walk.windows)} windows"
    return StudySummary(
        created_at=datetime.now(UTC).isoformat(timespec="microseconds"),
        title=title,
        strategy_name=name,
        request=study.model_copy(update={"store": "", "checkpoints": ""}),
        sweep=sweep,
        walk_forward=walk,
        sentences=tuple(sentences),
        environment=build_info().environment,
    )


def _name_of(store: ArtifactStore, study: SweepRequest, sweep: SweepSummary) -> str:
    if study.strategy is not None:
        return parse_strategy(study.strategy, study.source).name
    model = next((one.model for one in sweep.top if one.model is not None), None)
    return load_manifest(store, model).name if model else "unknown"
