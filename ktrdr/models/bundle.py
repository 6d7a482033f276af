"""Model bundles: a manifest and its weights, stored whole and read with suspicion."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from ktrdr.errors import BundleError, DataError, NotFoundError, StrategyError
from ktrdr.features import FittedFeatures, check_features
from ktrdr.models.manifest import FORMAT, FeatureRecord, Manifest, ModelDescription
from ktrdr.models.predictor import (
    CLASSES,
    RETURN,
    LinearPredictor,
    MlpPredictor,
    Tensors,
)
from ktrdr.models.registry import (
    ModelRef,
    next_version,
    recorded_digest,
    register,
    register_once,
)
from ktrdr.models.weights import (
    LARGEST_HEADER,
    tensor_bytes,
    weights_from_bytes,
    weights_to_bytes,
)
from ktrdr.schemas import TensorRecord, WeightsRecord
from ktrdr.storage import ArtifactStore, Digest, canonical_json, digest_of, parse_digest
from ktrdr.strategy import Strategy, parse_strategy

_LOG = logging.getLogger(__name__)
# A manifest is some tens of kilobytes; thousands of epochs make it some more.
_LARGEST_MANIFEST = 64 * 2**20


@dataclass(frozen=True, kw_only=True, eq=False)
class Bundle:
    """A trained model, checked.

    Attributes
    ----------
    digest : Digest
        Of the manifest.
    manifest : Manifest
        Everything but the weights.
    strategy : Strategy
        Parsed from the manifest's strategy text.
    tensors : dict of str to ndarray of float32
        ``mlp.{i}.weight``, ``mlp.{i}.bias``, ``linear.weight``, ``linear.bias``.
    """

    digest: Digest
    manifest: Manifest
    strategy: Strategy
    tensors: dict[str, NDArray[np.float32]]

    @property
    def fitted(self) -> FittedFeatures:
        """Partitions and scalers of the features."""
        return self.manifest.features.fitted

    @property
    def ref(self) -> ModelRef:
        """How the store lists it."""
        manifest = self.manifest
        return ModelRef(
            name=manifest.name, version=manifest.version, digest=self.digest
        )


def outputs_of(strategy: Strategy) -> tuple[str, ...]:
    """Return the names of the outputs that a network for ``strategy`` has."""
    return CLASSES if strategy.decisions.format == "classification" else RETURN


def tensor_records(layer_sizes: tuple[int, ...]) -> dict[str, TensorRecord]:
    """Return name, type and shape of every tensor of a bundle.

    Parameters
    ----------
    layer_sizes : tuple of int
        Of the network, inputs first and outputs last. The linear baseline goes
        from the inputs to the outputs at once.
    """
    steps = {
        f"mlp.{i}": (layer_sizes[i], layer_sizes[i + 1])
        for i in range(len(layer_sizes) - 1)
    }
    steps["linear"] = (layer_sizes[0], layer_sizes[-1])
    shapes = {f"{name}.weight": (n_out, n_in) for name, (n_in, n_out) in steps.items()}
    biases = {f"{name}.bias": (n_out,) for name, (_, n_out) in steps.items()}
    return {
        name: TensorRecord(dtype="F32", shape=shape)
        for name, shape in {**shapes, **biases}.items()
    }


def save_bundle(
    store: ArtifactStore,
    description: ModelDescription,
    tensors: Tensors,
    operation: str | None = None,
) -> ModelRef:
    """Store a model as the next version of its name and return what it is called.

    The weights are written first, then the manifest that names them, then the
    record that lists it: what is listed is whole. When somebody else takes the
    version at the same moment, the next one is tried. With an ``operation``, what
    another attempt at it stored before is returned instead.

    Raises
    ------
    BundleError
        If weights, network, features and strategy don't fit together.
    """
    _check_fit(description, _strategy_of(description))
    found = _records_of(tensors)
    if found != tensor_records(description.network.layer_sizes):
        raise BundleError(
            f"the weights do not fit the network {description.network.layer_sizes}: "
            f"found { {name: record.shape for name, record in found.items()} }"
        )
    data = weights_to_bytes(tensors)
    weights = WeightsRecord(digest=store.put(data), size=len(data), tensors=found)
    created_at = datetime.now(UTC).isoformat(timespec="microseconds")

    def store_manifest() -> ModelRef:
        version = next_version(store, description.name)
        manifest = Manifest(
            **dict(description), version=version, created_at=created_at, weights=weights
        )
        digest = store.put(canonical_json(manifest.model_dump(mode="json")))
        return ModelRef(name=description.name, version=version, digest=digest)

    if operation is not None:
        return register_once(store, operation, store_manifest)
    while not register(store, ref := store_manifest()):
        pass
    return ref


def load_manifest(store: ArtifactStore, digest: str) -> Manifest:
    """Return the manifest named ``digest``, its form checked but not its weights.

    Raises
    ------
    NotFoundError
        If the store does not hold it.
    BundleError
        If it is damaged or of a format that this program does not read.
    """
    parsed = parse_digest(digest)
    size = store.size(parsed)
    if size > _LARGEST_MANIFEST:
        raise BundleError(
            f"{digest} is not a manifest: {size} bytes, at most "
            f"{_LARGEST_MANIFEST} expected"
        )
    data = _read(store, parsed)
    try:
        _check_format(data)
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "document"
        raise BundleError(
            f"{digest} is not a valid manifest: {error.error_count()} problems, "
            f"the first at {where}: {first['msg']}"
        ) from None


def load_manifests(
    store: ArtifactStore, refs: Iterable[ModelRef]
) -> list[tuple[ModelRef, Manifest]]:
    """Return models with their manifests; damaged ones are left out with a warning."""
    found = []
    for ref in refs:
        try:
            found.append((ref, load_manifest(store, ref.digest)))
        except (BundleError, NotFoundError) as error:
            _LOG.warning("Left out: model %s: %s", ref, error)
    return found


def load_bundle(store: ArtifactStore, digest: str) -> Bundle:
    """Return the model whose manifest is named ``digest``, checked throughout.

    Sizes, shapes and types are checked against the manifest before anything is
    read or allocated; then hashes, and that features computed today are the ones
    that the network was trained on.

    Raises
    ------
    NotFoundError
        If the store does not hold the manifest or the weights.
    BundleError
        If anything about it is damaged or does not fit.
    """
    manifest = load_manifest(store, digest)
    strategy = _strategy_of(manifest)
    _check_fit(manifest, strategy)
    record = manifest.weights
    expected = tensor_records(manifest.network.layer_sizes)
    if record.tensors != expected:
        raise BundleError(
            f"{manifest.title}: the manifest's tensors are not those of a network "
            f"{manifest.network.layer_sizes}"
        )
    largest = tensor_bytes(expected) + LARGEST_HEADER
    if record.size > largest:
        raise BundleError(
            f"{manifest.title}: the manifest declares {record.size} bytes of weights, "
            f"at most {largest} expected"
        )
    size = store.size(parse_digest(record.digest))
    if size != record.size:
        raise BundleError(
            f"{manifest.title}: the weights have {size} bytes, expected {record.size}; "
            "restore them from a backup or train the model anew"
        )
    tensors = weights_from_bytes(_read(store, parse_digest(record.digest)), expected)
    return Bundle(
        digest=parse_digest(digest),
        manifest=manifest,
        strategy=strategy,
        tensors=tensors,
    )


def blobs_of_model(store: ArtifactStore, path: str, record: bytes) -> list[str]:
    """Return what the model listed at ``path`` needs, or raise InputError."""
    digest = recorded_digest(path, record)
    return [digest, load_manifest(store, digest).weights.digest]


def predictor_of(bundle: Bundle) -> MlpPredictor:
    """Return the predictor of the bundle's network."""
    network = bundle.manifest.network
    return MlpPredictor(
        bundle.tensors, activation=network.activation, outputs=network.outputs
    )


def linear_predictor_of(bundle: Bundle) -> LinearPredictor:
    """Return the predictor of the bundle's linear baseline."""
    return LinearPredictor(bundle.tensors, outputs=bundle.manifest.network.outputs)


class _Format(BaseModel):
    format: int


def _check_format(data: bytes) -> None:
    found = _Format.model_validate_json(data).format
    if found != FORMAT:
        raise BundleError(
            f"the bundle has format {found}, this program reads format {FORMAT}; "
            "use the release of ktrdr that wrote it, or train the model anew"
        )


def _read(store: ArtifactStore, digest: Digest) -> bytes:
    try:
        return store.get(digest)
    except DataError as error:
        raise BundleError(str(error)) from None


def _strategy_of(description: ModelDescription) -> Strategy:
    text = description.strategy_yaml
    if digest_of(text.encode()) != description.strategy_digest:
        raise BundleError(
            f"{description.name}: the strategy text in the bundle does not have the "
            "digest that stands beside it"
        )
    try:
        return parse_strategy(text, source=f"strategy in bundle {description.name}")
    except StrategyError as error:
        raise BundleError(
            f"the bundle's strategy is not valid in this release of ktrdr: {error}"
        ) from None


def _check_fit(description: ModelDescription, strategy: Strategy) -> None:
    features, network = description.features, description.network
    if strategy.name != description.name:
        raise BundleError(
            f"the bundle is named {description.name!r}, its strategy {strategy.name!r}"
        )
    outputs = outputs_of(strategy)
    sizes = (len(features.names), *strategy.model.hidden_layers, len(outputs))
    found = (network.layer_sizes, network.activation, network.outputs)
    expected = (sizes, strategy.model.activation, outputs)
    if found != expected:
        raise BundleError(
            f"{description.name}: the bundle's network is {found}, "
            f"the strategy's {expected}"
        )
    _check_features(features, strategy)


def _check_features(features: FeatureRecord, strategy: Strategy) -> None:
    if len(features.reference) != len(features.names):
        raise BundleError(
            f"the bundle has a reference row of {len(features.reference)} values "
            f"for {len(features.names)} features"
        )
    if features.names != tuple(one.name for one in features.definitions):
        raise BundleError("the bundle's feature names and definitions differ")
    check_features(
        strategy,
        features.fitted,
        code_version=features.code_version,
        definitions=features.definitions,
        fingerprint=features.fingerprint,
    )


def _records_of(tensors: Mapping[str, NDArray[np.float32]]) -> dict[str, TensorRecord]:
    return {
        name: TensorRecord(dtype="F32", shape=tensor.shape)
        for name, tensor in tensors.items()
    }
