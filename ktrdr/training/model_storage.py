"""Put a trained model into the store, with everything that says how it came about."""

from ktrdr.build_info import build_info
from ktrdr.data import to_iso
from ktrdr.features import (
    FEATURE_CODE_VERSION,
    SnapshotUse,
    feature_definitions,
    feature_fingerprint,
)
from ktrdr.models import (
    FeatureRecord,
    FitRecord,
    Metrics,
    ModelDescription,
    ModelRef,
    NetworkRecord,
    PartName,
    SplitPart,
    SplitRecord,
    Tensors,
    outputs_of,
    save_bundle,
)
from ktrdr.storage import ArtifactStore, digest_of
from ktrdr.strategy import Strategy
from ktrdr.training.dataset import Dataset


def store_model(
    store: ArtifactStore,
    *,
    text: str,
    strategy: Strategy,
    snapshots: tuple[SnapshotUse, ...],
    dataset: Dataset,
    tensors: Tensors,
    fit: FitRecord,
    metrics: Metrics,
    operation: str | None = None,
) -> ModelRef:
    """Store the model as the next version of its strategy's name.

    Parameters
    ----------
    store : ArtifactStore
    text : str
        The strategy as it was written, from which ``strategy`` was parsed.
    strategy : Strategy
    snapshots : tuple of SnapshotUse
        All data that was read.
    dataset : Dataset
        Features, split and reference.
    tensors : mapping of str to ndarray of float32
        Weights of the network and its linear baseline.
    fit, metrics : FitRecord, Metrics
        How the optimization went, and how good it is.
    operation : str or None
        Id of the operation that this is an attempt at; the model that another
        attempt at it stored before is returned instead.
    """
    description = ModelDescription(
        name=strategy.name,
        strategy_yaml=text,
        strategy_digest=digest_of(text.encode()),
        symbols=strategy.training_data.symbols,
        snapshots=snapshots,
        split=split_record(strategy, dataset),
        features=_feature_record(strategy, dataset),
        network=_network_record(strategy, len(dataset.names)),
        metrics=metrics,
        fit=fit,
        environment=build_info().environment,
    )
    return save_bundle(store, description, tensors, operation)


def split_record(strategy: Strategy, dataset: Dataset) -> SplitRecord:
    """Return where the parts lie and how many samples they hold."""

    def of(part: PartName) -> SplitPart:
        period, samples = dataset.split[part], dataset.parts[part]
        return SplitPart(
            start=to_iso(period.start),
            end=to_iso(period.last),
            n_samples=len(samples),
            n_purged=samples.n_left_out,
        )

    return SplitRecord(
        train=of("train"),
        validation=of("validation"),
        test=of("test"),
        embargo=strategy.training.split.embargo,
    )


def _feature_record(strategy: Strategy, dataset: Dataset) -> FeatureRecord:
    return FeatureRecord(
        names=dataset.names,
        fingerprint=feature_fingerprint(strategy, dataset.fitted),
        code_version=FEATURE_CODE_VERSION,
        definitions=feature_definitions(strategy, dataset.fitted),
        fitted=dataset.fitted,
        reference=tuple(dataset.reference.tolist()),
    )


def _network_record(strategy: Strategy, n_features: int) -> NetworkRecord:
    outputs = outputs_of(strategy)
    return NetworkRecord(
        type="mlp",
        layer_sizes=(n_features, *strategy.model.hidden_layers, len(outputs)),
        activation=strategy.model.activation,
        outputs=outputs,
    )
