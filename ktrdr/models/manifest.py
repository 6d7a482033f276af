"""The manifest: everything about a trained model but its weights, as JSON."""

from typing import Annotated, Literal

from pydantic import Field

from ktrdr.features import FeatureDefinition, FittedFeatures
from ktrdr.schemas import (
    FitRecord,
    Metrics,
    NetworkRecord,
    Part,
    Sha256,
    SnapshotUse,
    SplitRecord,
    WeightsRecord,
)

FORMAT = 1


class FeatureRecord(Part):
    """The features that the network was trained on.

    Attributes
    ----------
    names : tuple of str
        Feature ids in the order of the network's inputs.
    fingerprint : str
        SHA-256 over ``code_version`` and ``definitions``.
    code_version : int
        Version of the code that computed them.
    definitions : tuple of FeatureDefinition
        Each feature with all its parameters.
    fitted : FittedFeatures
        Partitions and scalers.
    reference : tuple of float
        Mean of every feature over the training rows: what explanations compare
        a bar with.
    """

    names: tuple[str, ...] = Field(min_length=1)
    fingerprint: Sha256
    code_version: int
    definitions: tuple[FeatureDefinition, ...]
    fitted: FittedFeatures
    reference: tuple[float, ...]


class ModelDescription(Part):
    """What a training knows about its model before it is stored.

    Attributes
    ----------
    name : str
        The strategy's name.
    strategy_yaml : str
        The strategy's text, verbatim.
    strategy_digest : str
        SHA-256 of that text.
    snapshots : tuple of SnapshotUse
        All data that was read.
    metrics : dict
        By part, then ``model``, ``linear`` or ``majority``, then measure.
    environment : dict of str to str
        Version, commit, Python, machine and libraries.
    """

    name: str
    strategy_yaml: str
    strategy_digest: Sha256
    symbols: tuple[str, ...] = Field(min_length=1)
    snapshots: tuple[SnapshotUse, ...]
    split: SplitRecord
    features: FeatureRecord
    network: NetworkRecord
    metrics: Metrics
    fit: FitRecord
    environment: dict[str, str]


class Manifest(ModelDescription):
    """A stored model, whole but for its weights, which it names by digest.

    Attributes
    ----------
    format : int
        Version of this document.
    version : int
        Number of the model among those of its name, from 1.
    created_at : str
        When it was stored, UTC, ISO 8601.
    """

    format: Literal[1] = 1
    version: Annotated[int, Field(ge=1)]
    created_at: str
    weights: WeightsRecord

    @property
    def title(self) -> str:
        """Name and version, such as ``momentum@3``."""
        return f"{self.name}@{self.version}"
