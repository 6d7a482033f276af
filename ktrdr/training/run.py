"""Train a strategy: from a request to a stored model."""

import time
from pathlib import Path

from ktrdr.build_info import build_info
from ktrdr.data import BarStore
from ktrdr.errors import InputError
from ktrdr.features import SnapshotUse, SymbolBars, load_symbol_bars
from ktrdr.models import Metrics, SplitRecord, load_manifest
from ktrdr.progress import NoProgress, Progress
from ktrdr.schemas import Part, Snapshots, TrainingRequest
from ktrdr.storage import ArtifactStore, canonical_json, digest_of
from ktrdr.strategy import Strategy, parse_strategy, strategy_digest
from ktrdr.training.dataset import make_dataset
from ktrdr.training.fitting import fit_networks
from ktrdr.training.measure import measure_all
from ktrdr.training.model_storage import split_record, store_model
from ktrdr.training.run_checkpoints import RunCheckpoints
from ktrdr.training.verdict import Verdict, judge


class TrainingOutcome(Part):
    """What a training gave.

    Attributes
    ----------
    model : str
        Digest of the manifest.
    weights : str
        Digest of the weights: the same request gives the same.
    name, version : str, int
        How the model is called: ``name@version``.
    n_features, n_epochs, best_epoch : int
        Inputs of the network, epochs trained, and the one that was kept.
    stopped_early : bool
        Whether early stopping ended the training.
    split : SplitRecord
        Where the parts lie.
    metrics : Metrics
        By part, then ``model``, ``linear`` or ``majority``, then measure.
    verdict : Verdict
        Whether the model beats its baselines.
    seconds : float
        Time of this process, all phases.
    """

    model: str
    weights: str
    name: str
    version: int
    n_features: int
    n_epochs: int
    best_epoch: int
    stopped_early: bool
    split: SplitRecord
    metrics: Metrics
    verdict: Verdict
    seconds: float


def train(
    request: TrainingRequest, progress: Progress | None = None
) -> TrainingOutcome:
    """Train the request's strategy, measure it and store the model.

    Raises
    ------
    StrategyError
        If the strategy is invalid.
    NotFoundError, DataError, InputError
        If data are missing, unsuitable or too few.
    ConflictError
        If it is to be resumed and only other runs' checkpoints are there.
    TrainingError
        If the training fails.
    """
    began_s = time.monotonic()
    progress = progress or NoProgress()
    strategy = parse_strategy(request.strategy, source=request.source)
    store = ArtifactStore.in_folder(Path(request.store))
    symbols = _load(BarStore(store), strategy, request.snapshots, progress)
    uses = tuple(use for symbol in symbols for use in symbol.uses)
    checkpoints = RunCheckpoints(
        Path(request.checkpoints) / strategy.name, _identity(strategy, uses)
    )
    if request.resume:
        checkpoints.check_resumable(progress)
    dataset = make_dataset(strategy, symbols, progress)
    networks = fit_networks(
        strategy,
        dataset,
        checkpoints=checkpoints.of,
        resume=request.resume,
        device=request.device,
        threads=request.threads,
        progress=progress,
    )
    progress.phase("measure and store")
    metrics = measure_all(strategy, dataset, networks.tensors)
    model = store_model(
        store,
        text=request.strategy,
        strategy=strategy,
        snapshots=uses,
        dataset=dataset,
        tensors=networks.tensors,
        fit=networks.record,
        metrics=metrics,
    )
    checkpoints.remove()
    return TrainingOutcome(
        model=model.digest,
        weights=load_manifest(store, model.digest).weights.digest,
        name=model.name,
        version=model.version,
        n_features=len(dataset.names),
        n_epochs=networks.record.epochs_run,
        best_epoch=networks.record.best_epoch,
        stopped_early=networks.record.stopped_early,
        split=split_record(strategy, dataset),
        metrics=metrics,
        verdict=judge(
            metrics,
            mean_span=dataset.parts["test"].mean_span,
            are_zigzag=strategy.training.labels.type == "zigzag",
        ),
        seconds=time.monotonic() - began_s,
    )


def _load(
    bar_store: BarStore, strategy: Strategy, snapshots: Snapshots, progress: Progress
) -> list[SymbolBars]:
    names = strategy.training_data.symbols
    unknown = sorted(snapshots.keys() - set(names))
    if unknown:
        raise InputError(
            f"snapshots are given for {', '.join(unknown)}, which strategy "
            f"{strategy.name} does not train on; it trains on {', '.join(names)}"
        )
    progress.phase("read data", total=len(names), unit="symbols")
    symbols = []
    for done, name in enumerate(names, start=1):
        pins = snapshots.get(name, {})
        symbols.append(load_symbol_bars(bar_store, strategy, name, pins))
        progress.advance(done, name)
    return symbols


def _identity(strategy: Strategy, uses: tuple[SnapshotUse, ...]) -> dict[str, str]:
    # Whatever decides the weights, but for the kernels, of which a note is made.
    build = build_info()
    data = [use.model_dump(mode="json") for use in uses]
    return {
        "strategy": strategy_digest(strategy),
        "data": digest_of(canonical_json(data)),
        "seed": str(strategy.training.seed),
        "ktrdr": f"{build.version} ({build.commit})",
        "libraries": ", ".join(
            f"{name} {version}" for name, version in sorted(build.libraries.items())
        ),
    }
