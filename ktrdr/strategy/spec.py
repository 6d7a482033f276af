"""A strategy, version 3: what every key means, as a frozen value."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ktrdr.fuzzy import FuzzySet
from ktrdr.indicators import IndicatorUse
from ktrdr.schemas import Identifier, Part
from ktrdr.storage import Digest, canonical_json, digest_of
from ktrdr.strategy.data_spec import NnInput, TrainingData
from ktrdr.strategy.draft import MAX_ENTRIES, Draft
from ktrdr.strategy.inputs import feature_ids
from ktrdr.strategy.references import contradictions
from ktrdr.strategy.trading_spec import BacktestSpec, DecisionsSpec
from ktrdr.strategy.training_spec import MlpSpec, TrainingSpec

# A model carries its strategy's name.
STRATEGY_NAME = r"^[A-Za-z][A-Za-z0-9_-]{0,63}$"


class Strategy(Part):
    """A whole strategy, free of contradictions."""

    name: Annotated[str, Field(pattern=STRATEGY_NAME)] = Field(
        description="Names the strategy and the models trained from it."
    )
    version: Literal[3] = Field(description="Version of this grammar.")
    description: Annotated[str, Field(max_length=10_000)] = Field(
        default="", description="What the strategy tries; shown in lists and reports."
    )
    training_data: TrainingData
    indicators: dict[Identifier, IndicatorUse] = Field(
        min_length=1, max_length=MAX_ENTRIES, description="Indicators by id."
    )
    fuzzy_sets: dict[Identifier, FuzzySet] = Field(
        default={}, max_length=MAX_ENTRIES, description="Fuzzy sets by id."
    )
    nn_inputs: tuple[NnInput, ...] = Field(
        min_length=1,
        max_length=MAX_ENTRIES,
        description="What the network sees, in this order.",
    )
    model: MlpSpec
    training: TrainingSpec
    decisions: DecisionsSpec
    backtest: BacktestSpec = BacktestSpec()

    @model_validator(mode="after")
    def _check_agreement(self) -> Self:
        finding = next(contradictions(Draft.of(self)), None)
        if finding:
            raise ValueError(str(finding))
        return self


def strategy_digest(strategy: Strategy) -> Digest:
    """Return the digest of what ``strategy`` says, however its file is written.

    Comments, quotes and keys that repeat a default do not change it; the order of
    features does, since a network's inputs have that order.
    """
    said = {
        "strategy": strategy.model_dump(mode="json"),
        "features": feature_ids(strategy),
    }
    return digest_of(canonical_json(said))
