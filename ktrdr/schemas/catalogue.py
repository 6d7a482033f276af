"""Indicators and fuzzy sets as they cross HTTP."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ktrdr.schemas.data import TimeframeName
from ktrdr.schemas.document import Document
from ktrdr.schemas.models import CurvesDocument, MembershipDocument, RangeRequest
from ktrdr.schemas.part import Identifier
from ktrdr.schemas.strategies import StrategyYaml

MOST_VALUES = 10_000
MOST_POINTS = 1_001
MOST_TERMS = 64

IndicatorValue = int | float | str


class IndicatorSummary(Document):
    """One line about an indicator.

    Attributes
    ----------
    origin : str
        Whose definition it follows: ``ta-lib``, or ``ktrdr`` where TA-Lib has none.
    outputs : tuple of str
        The primary one first.
    """

    name: str
    title: str
    group: str
    origin: Literal["ta-lib", "ktrdr"]
    outputs: tuple[str, ...]


class ChoiceParameter(Document):
    """A parameter that is one of some words."""

    name: str
    kind: Literal["choice"]
    default: str
    choices: tuple[str, ...]


class NumberParameter(Document):
    """A parameter that is a number, bounds included."""

    name: str
    kind: Literal["int", "float"]
    default: int | float
    minimum: int | float
    maximum: int | float


class IndicatorDetail(IndicatorSummary):
    """What an indicator takes and gives, and when it is known.

    Attributes
    ----------
    inputs : tuple of str
        Columns that it always reads.
    warm_up : int
        Leading bars without a value, with the defaults.
    settling : int or None
        Bars after which it no longer depends on where the data begin.
    """

    inputs: tuple[str, ...]
    parameters: tuple[
        Annotated[ChoiceParameter | NumberParameter, Field(discriminator="kind")], ...
    ]
    warm_up: int
    settling: int | None
    depends_on_first_bar: bool
    may_be_undefined: bool
    note: str


class CalculateRequest(RangeRequest):
    """Calculate an indicator on stored bars.

    Attributes
    ----------
    timeframe : str or None
        None is the shortest that is stored.
    type : str
        Name of the indicator.
    parameters : dict
        Those left out take their defaults.
    """

    symbol: Annotated[str, Field(max_length=64)]
    timeframe: TimeframeName | None = None
    type: Annotated[str, Field(min_length=1, max_length=64)]
    parameters: dict[
        Annotated[str, Field(min_length=1, max_length=64)], IndicatorValue
    ] = Field(default={}, max_length=64)


class IndicatorValues(Document):
    """An indicator's values at the close of each bar.

    Attributes
    ----------
    snapshot : str
        Digest of the bars, from the first of which it was calculated.
    parameters : dict
        All of them, defaults included.
    warm_up : int
        Leading bars of the snapshot without a value.
    time : tuple of str
        Opening times of the bars.
    outputs : dict of str to tuple of float or None
        None where a value is not known.
    """

    symbol: str
    timeframe: TimeframeName
    snapshot: str
    type: str
    parameters: dict[str, IndicatorValue]
    warm_up: int
    time: tuple[str, ...]
    outputs: dict[str, tuple[float | None, ...]]


class FuzzyRequest(Document):
    """Names membership functions: given, or those of a strategy or a model.

    Attributes
    ----------
    memberships : dict of str to MembershipDocument, or None
        Terms and their functions.
    strategy : str or None
        Instead, a strategy's YAML text.
    model : str or None
        Instead, a model: ``name``, ``name@version`` or first digits of its digest.
    fuzzy_set : str or None
        Of the strategy its id; of the model ``{timeframe}_{fuzzy_set}``.
    """

    memberships: dict[Identifier, MembershipDocument] | None = Field(
        default=None, min_length=1, max_length=MOST_TERMS
    )
    strategy: StrategyYaml | None = None
    model: Annotated[str, Field(max_length=128)] | None = None
    fuzzy_set: Annotated[str, Field(max_length=128)] | None = None

    @model_validator(mode="after")
    def _check_form(self) -> Self:
        given = (self.memberships, self.strategy, self.model)
        if sum(one is not None for one in given) != 1:
            raise ValueError("give one of memberships, strategy and model")
        if self.memberships is not None and self.fuzzy_set is not None:
            raise ValueError("a fuzzy_set is one of a strategy or a model")
        return self


class CurvesRequest(FuzzyRequest):
    """Draw membership functions.

    Attributes
    ----------
    n_points : int
        Values a curve.
    low, high : float or None
        Range of values; None is where the functions change.
    """

    n_points: Annotated[int, Field(ge=2, le=MOST_POINTS)] = 201
    low: float | None = None
    high: float | None = None


class CurvesAnswer(Document):
    """Curves of the fuzzy sets that were asked for."""

    curves: tuple[CurvesDocument, ...]


class EvaluateRequest(FuzzyRequest):
    """Tell how much values belong to terms."""

    values: Annotated[
        tuple[float | None, ...], Field(min_length=1, max_length=MOST_VALUES)
    ]


class DegreesDocument(Document):
    """How much each value belongs to each term, from 0 to 1; None where unknown."""

    name: str
    degrees: dict[str, tuple[float | None, ...]]
