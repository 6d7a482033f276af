"""The manifest: everything about a trained model but its weights, as JSON."""

from typing import Annotated, Literal

from pydantic import Field

from ktrdr.features import FeatureDefinition, FittedFeatures, SnapshotUse
from ktrdr.schemas import Part

FORMAT = 1

Count = Annotated[int, Field(ge=0)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
PartName = Literal["train", "validation", "test"]
# part -> which model -> measure -> value, None where it is not defined
Metrics = dict[
    PartName, dict[Literal["model", "linear", "majority"], dict[str, float | None]]
]


class SplitPart(Part):
    """One part of the chronological split.

    Attributes
    ----------
    start, end : str
        Opening times of its first and last base bar, ISO 8601, both included.
    n_samples : int
        Rows used, of all symbols: known features and a label.
    n_purged : int
        Rows left out at its end because their label reaches beyond it, and those
        of the embargo at its beginning.
    """

    start: str
    end: str
    n_samples: Count
    n_purged: Count


class SplitRecord(Part):
    """The chronological split, the same for all symbols."""

    train: SplitPart
    validation: SplitPart
    test: SplitPart
    embargo: Count


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


class NetworkRecord(Part):
    """The network's build.

    Attributes
    ----------
    layer_sizes : tuple of int
        Inputs first, outputs last.
    outputs : tuple of str
        ``short, flat, long``, or ``return``.
    """

    type: Literal["mlp"]
    layer_sizes: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=2)
    activation: str
    outputs: tuple[str, ...]


class EpochRecord(Part):
    """One epoch; a loss is None where the part has no samples."""

    epoch: Annotated[int, Field(ge=1)]
    train_loss: float
    validation_loss: float | None
    learning_rate: float


class FitRecord(Part):
    """How the optimization went.

    Attributes
    ----------
    best_epoch : int
        Epoch whose weights are kept, counted from 1.
    seconds : float
        Time it took, of all its runs together when it was resumed.
    cpu_capability : str
        Instruction set that torch used; the same weights come out only on it.
    """

    epochs_run: Annotated[int, Field(ge=1)]
    best_epoch: Annotated[int, Field(ge=1)]
    seed: Count
    stopped_early: bool
    seconds: Annotated[float, Field(ge=0)]
    cpu_capability: str
    threads: Annotated[int, Field(ge=1)]
    history: tuple[EpochRecord, ...]


class TensorRecord(Part):
    """Type and shape of one tensor."""

    dtype: Literal["F32"]
    shape: tuple[Annotated[int, Field(ge=1)], ...]


class WeightsRecord(Part):
    """Where the weights are, and what must be found there."""

    digest: Sha256
    size: Count = Field(description="Bytes.")
    tensors: dict[str, TensorRecord]


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
