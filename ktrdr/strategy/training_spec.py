"""How a strategy's network is built and trained."""

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from ktrdr.schemas import Part

Fraction = Annotated[float, Field(gt=0, lt=1)]
# Sums of decimal fractions such as 0.7 + 0.2 + 0.1 miss 1 by rounding.
_ROUNDING = 1e-9


class MlpSpec(Part):
    """A multilayer perceptron."""

    type: Literal["mlp"]
    hidden_layers: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(
        default=(32, 16), max_length=16, description="Neurons of each hidden layer."
    )
    activation: Literal["relu", "tanh", "sigmoid", "gelu", "silu", "leaky_relu"] = (
        "relu"
    )
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0


class ForwardReturnLabels(Part):
    """Return from the next bar's open to the open ``horizon`` bars later.

    Classification: above ``threshold`` is long, below ``-threshold`` short, between
    them flat. Regression: the return itself is the target.
    """

    type: Literal["forward_return"]
    horizon: Annotated[int, Field(ge=1, le=100_000)]
    threshold: Annotated[float, Field(ge=0, lt=1)] = 0.0


class TripleBarrierLabels(Part):
    """Which is touched first within ``horizon`` bars: profit, loss or time.

    Barriers are fractions of the next bar's open (``unit: fraction``) or multiples
    of the average true range at the decision (``unit: atr``).
    """

    type: Literal["triple_barrier"]
    horizon: Annotated[int, Field(ge=1, le=100_000)]
    take_profit: Annotated[float, Field(gt=0, le=1000)]
    stop_loss: Annotated[float, Field(gt=0, le=1000)]
    unit: Literal["fraction", "atr"] = "fraction"
    atr_period: Annotated[int, Field(ge=1, le=10_000)] = 14


class ZigzagLabels(Part):
    """Direction of the leg to the next turning point of at least ``threshold``."""

    type: Literal["zigzag"]
    # The bounds of the indicator zigzag, which finds the turning points.
    threshold: Annotated[float, Field(ge=0.0001, le=0.9)]


Labels = Annotated[
    ForwardReturnLabels | TripleBarrierLabels | ZigzagLabels,
    Field(discriminator="type"),
]


class SplitSpec(Part):
    """Chronological shares of the bars; the rest, if any, is the newest and unused."""

    train: Fraction = 0.6
    validation: Fraction = 0.2
    test: Fraction = 0.2
    embargo: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        default=0,
        description="Base bars left out after each boundary, beside the purge.",
    )

    @model_validator(mode="after")
    def _check_sum(self) -> Self:
        total = self.train + self.validation + self.test
        if total > 1 + _ROUNDING:
            raise ValueError(
                f"train, validation and test sum to {total:g}, expected at most 1"
            )
        return self


class OptimizerSpec(Part):
    """How weights are changed."""

    type: Literal["adam", "adamw", "sgd"] = "adamw"
    learning_rate: Annotated[float, Field(gt=0, le=10)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.0
    momentum: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.0, description="Only for sgd."
    )


class CosineScheduler(Part):
    """Learning rate falls to ``minimum`` along half a cosine over all epochs."""

    type: Literal["cosine"]
    minimum: Annotated[float, Field(ge=0, le=10)] = 0.0


class StepScheduler(Part):
    """Learning rate is multiplied by ``factor`` every ``every_epochs`` epochs."""

    type: Literal["step"]
    every_epochs: Annotated[int, Field(ge=1, le=1_000_000)]
    factor: Fraction = 0.5


class PlateauScheduler(Part):
    """Learning rate is multiplied by ``factor`` when validation stops improving."""

    type: Literal["plateau"]
    patience: Annotated[int, Field(ge=0, le=1_000_000)] = 5
    factor: Fraction = 0.5


Scheduler = Annotated[
    CosineScheduler | StepScheduler | PlateauScheduler, Field(discriminator="type")
]


class EarlyStoppingSpec(Part):
    """Stop when the validation loss has not improved; restore the best weights."""

    patience: Annotated[int, Field(ge=1, le=1_000_000)] = 10
    min_delta: Annotated[float, Field(ge=0, le=1000)] = 0.0


class CheckpointSpec(Part):
    """How often an unfinished training is written down."""

    every_epochs: Annotated[int, Field(ge=1, le=1_000_000)] = 10
    every_seconds: Annotated[float, Field(gt=0, le=1e9)] = 60.0


class FocalLoss(Part):
    """Cross-entropy that gives easy examples less weight (Lin et al. 2017)."""

    type: Literal["focal"]
    gamma: Annotated[float, Field(ge=0, le=10)] = 2.0


class HuberLoss(Part):
    """Squared error near 0, absolute error beyond ``delta``."""

    type: Literal["huber"]
    delta: Annotated[float, Field(gt=0, le=1000)] = 1.0


class CrossEntropyLoss(Part):
    """Negative log-likelihood of the label's class."""

    type: Literal["cross_entropy"]
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0


class MseLoss(Part):
    """Mean squared error."""

    type: Literal["mse"]


Loss = Annotated[
    CrossEntropyLoss | FocalLoss | HuberLoss | MseLoss, Field(discriminator="type")
]


ClassName = Literal["short", "flat", "long"]
ClassWeight = Annotated[float, Field(gt=0, le=1e6)]


def _kind_of_weights(value: object) -> str:
    return "word" if isinstance(value, str) else "weight of each class"


# Discriminated, so that a problem is told for the form that was meant only.
ClassWeights = Annotated[
    Annotated[Literal["balanced"], Tag("word")]
    | Annotated[
        dict[ClassName, ClassWeight],
        Field(min_length=3),
        Tag("weight of each class"),
    ],
    Discriminator(_kind_of_weights),
]


class TrainingSpec(Part):
    """Labels, split and optimization."""

    labels: Labels
    split: SplitSpec = SplitSpec()
    loss: Loss = CrossEntropyLoss(type="cross_entropy")
    epochs: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    batch_size: Annotated[int, Field(ge=1, le=10_000_000)] = 256
    optimizer: OptimizerSpec = OptimizerSpec()
    scheduler: Scheduler | None = None
    gradient_clip: Annotated[float, Field(gt=0, le=1e9)] | None = Field(
        default=None, description="Largest norm of the gradient."
    )
    early_stopping: EarlyStoppingSpec | None = EarlyStoppingSpec()
    class_weights: ClassWeights | None = Field(
        default=None,
        description="`balanced`, or a weight for each of short, flat and long.",
    )
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 42
    checkpoint: CheckpointSpec = CheckpointSpec()
