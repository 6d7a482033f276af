"""Train a strategy: from a request to a stored model."""

import time
from pathlib import Path

from ktrdr.build_info import build_info
from ktrdr.data import BarStore
from ktrdr.errors import InputError
from ktrdr.features import SnapshotUse, SymbolBars, load_symbol_bars
from ktrdr.models import (
    Manifest,
    Metrics,
    ModelRef,
    SplitRecord,
    claimed_model,
    load_manifest,
)
from ktrdr.progress import NoProgress, Progress
from ktrdr.schemas import Part, Snapshots, TrainingRequest
from ktrdr.storage import ArtifactStore, canonical_json, digest_of, open_store
from ktrdr.strategy import Strategy, parse_strategy, strategy_digest
from ktrdr.training.dataset import Dataset, make_dataset
from ktrdr.training.fitting import fit_networks
from ktrdr.training.measure import measure_all
from ktrdr.training.model_storage import store_model
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

    With an operation whose model an earlier attempt has stored, that is returned:
    listed if it was not yet, and not trained again.

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
    JobStopped
        If the listener asked to stop; it can be gone on with.
    """
    began_s = time.monotonic()
    progress = progress or NoProgress()
    strategy = parse_strategy(request.strategy, source=request.source)
    store = open_store(request.store)
    kept = claimed_model(store, request.operation) if request.operation else None
    if kept is None:
        symbols = _load(BarStore(store), strategy, request.snapshots, progress)
        dataset, kept = _fit_and_store(store, request, strategy, symbols, progress)
    else:
        pins = _pins(load_manifest(store, kept.digest))
        symbols = _load(BarStore(store), strategy, pins, progress)
        dataset = make_dataset(strategy, symbols, progress)
    manifest = load_manifest(store, kept.digest)
    return TrainingOutcome(
        model=kept.digest,
        weights=manifest.weights.digest,
        name=kept.name,
        version=kept.version,
        n_features=len(manifest.features.names),
        n_epochs=manifest.fit.epochs_run,
        best_epoch=manifest.fit.best_epoch,
        stopped_early=manifest.fit.stopped_early,
        split=manifest.split,
        metrics=manifest.metrics,
        verdict=judge(
            manifest.metrics,
            mean_span=dataset.parts["test"].mean_span,
            are_zigzag=strategy.training.labels.type == "zigzag",
        ),
        seconds=time.monotonic() - began_s,
    )


def _fit_and_store(
    store: ArtifactStore,
    request: TrainingRequest,
    strategy: Strategy,
    symbols: list[SymbolBars],
    progress: Progress,
) -> tuple[Dataset, ModelRef]:
    uses = tuple(use for symbol in symbols for use in symbol.uses)
    checkpoints = _checkpoints(request, strategy, uses)
    if request.resume:
        checkpoints.check_resumable(progress, request.restart_if_unusable)
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
    model = store_model(
        store,
        text=request.strategy,
        strategy=strategy,
        snapshots=uses,
        dataset=dataset,
        tensors=networks.tensors,
        fit=networks.record,
        metrics=measure_all(strategy, dataset, networks.tensors),
        operation=request.operation,
    )
    checkpoints.remove()
    return dataset, model


def _pins(manifest: Manifest) -> Snapshots:
    pins: Snapshots = {}
    for use in manifest.snapshots:
        pins.setdefault(use.symbol, {})[use.timeframe] = use.digest
    return pins


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


def _checkpoints(
    request: TrainingRequest, strategy: Strategy, uses: tuple[SnapshotUse, ...]
) -> RunCheckpoints:
    identity = _identity(strategy, uses)
    folder = Path(request.checkpoints)
    if request.operation is not None:
        # So two operations never have the same file, and each may delete its own.
        own = identity | {"operation": request.operation}
        return RunCheckpoints.alone_in(folder, own)
    return RunCheckpoints.among_others_in(folder / strategy.name, identity)


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
