"""A strategy some of whose parts may be broken, for checks across parts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from ktrdr.fuzzy import FuzzySet
from ktrdr.indicators import IndicatorUse, catalogue
from ktrdr.schemas import Part
from ktrdr.strategy.data_spec import NnInput, TrainingData
from ktrdr.strategy.trading_spec import BacktestSpec, DecisionsSpec
from ktrdr.strategy.training_spec import TrainingSpec
from ktrdr.strategy.tree import Path, Value, path_text

if TYPE_CHECKING:
    from ktrdr.strategy.spec import Strategy

# Of indicators, fuzzy sets and inputs each.
MAX_ENTRIES = 500

P = TypeVar("P", bound=Part)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something wrong at a path of the strategy."""

    path: Path
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{path_text(self.path)}: {self.message}{hint}"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """The parts of a strategy; None stands for one that is broken."""

    training_data: TrainingData | None
    indicators: Mapping[str, IndicatorUse | None] | None
    fuzzy_sets: Mapping[str, FuzzySet | None] | None
    nn_inputs: tuple[NnInput | None, ...]
    training: TrainingSpec | None
    decisions: DecisionsSpec | None
    backtest: BacktestSpec | None

    @classmethod
    def of(cls, strategy: "Strategy") -> "Draft":
        """Return the parts of a whole strategy."""
        return cls(
            training_data=strategy.training_data,
            indicators=strategy.indicators,
            fuzzy_sets=strategy.fuzzy_sets,
            nn_inputs=strategy.nn_inputs,
            training=strategy.training,
            decisions=strategy.decisions,
            backtest=strategy.backtest,
        )

    @classmethod
    def of_value(cls, value: Mapping[str, Value]) -> "Draft":
        """Return the parts of ``value`` that can be understood each by itself."""
        return cls(
            training_data=_part(TrainingData, value.get("training_data")),
            indicators=_parts(IndicatorUse, value.get("indicators")),
            fuzzy_sets=_parts(FuzzySet, value.get("fuzzy_sets", {})),
            nn_inputs=_inputs(value.get("nn_inputs")),
            training=_part(TrainingSpec, value.get("training")),
            decisions=_part(DecisionsSpec, value.get("decisions")),
            backtest=_part(BacktestSpec, value.get("backtest", {})),
        )

    def outputs_of(self, indicator: str) -> tuple[str, ...] | None:
        """Return the outputs of an indicator; None if they can't be known."""
        use = (self.indicators or {}).get(indicator)
        known = None if use is None else catalogue().get(use.type)
        return None if known is None else known.outputs


def _part(kind: type[P], value: object) -> P | None:
    try:
        return kind.model_validate(value)
    except ValidationError:
        return None


def _parts(kind: type[P], value: object) -> dict[str, P | None] | None:
    if not isinstance(value, dict) or len(value) > MAX_ENTRIES:
        return None
    return {key: _part(kind, one) for key, one in value.items()}


def _inputs(value: object) -> tuple[NnInput | None, ...]:
    if not isinstance(value, tuple) or len(value) > MAX_ENTRIES:
        return (None,)
    return tuple(_part(NnInput, one) for one in value)
