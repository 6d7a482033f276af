"""Trained models: what is stored of them, lines about them, what they say."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from ktrdr.schemas.data import MOST_BARS, BarsInput, SnapshotUse
from ktrdr.schemas.document import Document
from ktrdr.schemas.part import Part

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


class ModelSummary(Document):
    """One line about a model.

    Attributes
    ----------
    model : str
        Name and version, such as ``momentum@3``.
    digest : str
        Of the manifest.
    metrics : dict
        By part, then ``model``, ``linear`` or ``majority``, then measure.
    """

    model: str
    name: str
    version: int
    digest: str
    created_at: str
    symbols: tuple[str, ...]
    metrics: Metrics


class MembershipDocument(Document):
    """A membership function; docs/strategies.md tells what its parameters mean."""

    type: Literal[
        "triangular",
        "trapezoidal",
        "gaussian",
        "generalized_bell",
        "sigmoid",
        "linear_z",
        "linear_s",
    ]
    parameters: Annotated[tuple[float, ...], Field(min_length=2, max_length=4)]


class ScalerDocument(Document):
    """Mean and standard deviation of a raw feature over the training bars."""

    mean: float
    std: float


class FeatureDefinitionDocument(Document):
    """One feature with all that its values depend on, beside the bars."""

    name: str
    timeframe: str
    base_timeframe: str
    indicator: str
    output: str
    parameters: dict[str, int | float | str]
    membership: MembershipDocument | None
    scaler: ScalerDocument | None


class FittedDocument(Document):
    """Membership functions and scalers fitted on the training bars."""

    partitions: dict[str, dict[str, MembershipDocument]]
    scalers: dict[str, ScalerDocument]


class FeatureRecordDocument(Document):
    """The features that a network was trained on.

    Attributes
    ----------
    reference : tuple of float
        Mean of every feature over the training rows.
    """

    names: tuple[str, ...]
    fingerprint: str
    code_version: int
    definitions: tuple[FeatureDefinitionDocument, ...]
    fitted: FittedDocument
    reference: tuple[float, ...]


class ModelDetail(Document):
    """A model's manifest, and the digest by which it goes."""

    digest: str
    name: str
    strategy_yaml: str
    strategy_digest: str
    symbols: tuple[str, ...]
    snapshots: tuple[SnapshotUse, ...]
    split: SplitRecord
    features: FeatureRecordDocument
    network: NetworkRecord
    metrics: Metrics
    fit: FitRecord
    environment: dict[str, str]
    format: Literal[1]
    version: int
    created_at: str
    weights: WeightsRecord


class CurvesDocument(Document):
    """The membership functions of one fuzzy set as curves.

    Attributes
    ----------
    indicator : str
        What the values are of: an indicator's id, with its output if one is named.
    values : tuple of float
        Evenly spaced over the range in which the functions change.
    degrees : dict of str to tuple of float
        Degree of each term at each value, from 0 to 1.
    """

    name: str
    indicator: str
    values: tuple[float, ...]
    degrees: dict[str, tuple[float, ...]]


class ContributionDocument(Document):
    """What one feature, or all features of one input, added to the margin."""

    name: str
    words: str
    value: float | None
    reference: float | None
    contribution: float


class BarExplanation(Document):
    """Why a model said what it said at one bar.

    Attributes
    ----------
    target : int
        Position decided: -1, 0 or 1.
    margin, reference_margin : float
        Of what it says over the runner-up, at this bar and at the mean training
        row; the contributions make the difference.
    """

    time: str
    outputs: dict[str, float]
    says: str
    runner_up: str | None
    target: int
    margin: float
    reference_margin: float
    inputs: tuple[ContributionDocument, ...]
    features: tuple[ContributionDocument, ...]
    words: str


class ExplanationDocument(Document):
    """A model's membership functions, and why it decided as it did at some bars."""

    model: str
    digest: str
    symbol: str
    memberships: tuple[CurvesDocument, ...]
    bars: tuple[BarExplanation, ...]


class RangeRequest(Document):
    """A range of bars.

    Attributes
    ----------
    start, end : str or None
        First moment and the one after the last, ISO 8601, named ``from`` and ``to``.
    last : int or None
        Of these the newest.
    """

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    start: Annotated[str, Field(max_length=40)] | None = Field(
        default=None, alias="from"
    )
    end: Annotated[str, Field(max_length=40)] | None = Field(default=None, alias="to")
    last: Annotated[int, Field(ge=1, le=MOST_BARS)] = 1_000


class PredictRequest(RangeRequest):
    """Tell what a model says at bars that are stored, or that are sent along.

    Attributes
    ----------
    symbol : str or None
        Whose stored bars; None is the model's first symbol.
    bars : BarsInput or None
        Instead, bars of the model's base timeframe; those of longer timeframes are
        made of them. As many as it takes for the indicators to settle come first.
    """

    symbol: Annotated[str, Field(max_length=64)] | None = None
    bars: BarsInput | None = None

    @model_validator(mode="after")
    def _check_form(self) -> Self:
        if self.symbol is not None and self.bars is not None:
            raise ValueError("give either a symbol or bars")
        return self


class PredictionDocument(Document):
    """What a model says and decides at the close of each bar.

    Attributes
    ----------
    time : tuple of str
        Opening times of the bars.
    outputs : dict of str to tuple of float or None
        Class probabilities, or the predicted return; None where it is not known.
    target : tuple of int
        Position decided: -1, 0 or 1. Positions carry over from bar to bar, begun
        with the model's test part, or with the first bar where earlier ones are
        asked for.
    """

    model: str
    digest: str
    symbol: str
    timeframe: str
    time: tuple[str, ...]
    outputs: dict[str, tuple[float | None, ...]]
    target: tuple[int, ...]
