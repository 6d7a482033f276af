"""Which bars a strategy is made for, and what of them its network sees."""

import re
from contextlib import suppress
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from ktrdr.data import from_iso, parse_symbol
from ktrdr.errors import InputError
from ktrdr.schemas import Part

TimeframeName = Literal["1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w"]

_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?)?"
)


def _symbol(text: str) -> str:
    try:
        return parse_symbol(text)
    except InputError as error:
        raise ValueError(str(error)) from None


def _moment(text: str) -> np.datetime64:
    # Of ISO 8601 what every release of Python reads, and people with it.
    if _MOMENT.fullmatch(text):
        with suppress(InputError):
            return from_iso(text)
    raise ValueError(
        f"found {text[:40]!r}, expected a date or time such as 2017-01-31 or "
        "2017-01-31T15:00, UTC unless it ends in an offset such as +01:00"
    )


def _checked_moment(text: str) -> str:
    _moment(text)
    return text


Symbol = Annotated[str, AfterValidator(_symbol)]
Moment = Annotated[str, AfterValidator(_checked_moment)]


class TrainingData(Part):
    """Which bars the strategy is made for."""

    symbols: tuple[Symbol, ...] = Field(
        min_length=1,
        max_length=1000,
        description="Symbols to train on; each is labelled and split by itself.",
    )
    timeframes: tuple[TimeframeName, ...] = Field(
        min_length=1, max_length=8, description="All timeframes that inputs use."
    )
    base_timeframe: TimeframeName = Field(
        description="The lowest timeframe: decisions are made at its bars' closes."
    )
    start: Moment | None = Field(
        default=None, description="First moment, ISO 8601; all bars if left out."
    )
    end: Moment | None = Field(
        default=None, description="First moment no longer used, ISO 8601."
    )
    history_required: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        default=0,
        description="Base bars at the start of each symbol's data that are left out "
        "of training, beside the indicators' own warm-up.",
    )

    @model_validator(mode="after")
    def _check_moments(self) -> Self:
        if self.start is None or self.end is None:
            return self
        if _moment(self.start) >= _moment(self.end):
            raise ValueError(
                f"start {self.start} is not before end {self.end}; expected start < end"
            )
        return self

    @property
    def start_time(self) -> np.datetime64 | None:
        """First moment used, in UTC; None is the first there is."""
        return None if self.start is None else _moment(self.start)

    @property
    def end_time(self) -> np.datetime64 | None:
        """First moment no longer used, in UTC; None uses all."""
        return None if self.end is None else _moment(self.end)


# Discriminated, so that a problem is told for the form that was meant only.
def _kind_of_timeframes(value: object) -> str:
    return "word" if isinstance(value, str) else "list of timeframes"


Timeframes = Annotated[
    Annotated[
        tuple[TimeframeName, ...],
        Field(min_length=1, max_length=8),
        Tag("list of timeframes"),
    ]
    | Annotated[Literal["all"], Tag("word")],
    Discriminator(_kind_of_timeframes),
]


class NnInput(Part):
    """Membership degrees of one fuzzy set, or one standardized indicator value."""

    fuzzy_set: str | None = Field(default=None, description="Id of a fuzzy set.")
    raw_indicator: str | None = Field(
        default=None, description="Id of an indicator, or `id.output`."
    )
    timeframes: Timeframes = Field(
        default="all", description="On which timeframes; `all` is each of the data's."
    )

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        if (self.fuzzy_set is None) == (self.raw_indicator is None):
            found = "neither" if self.fuzzy_set is None else "both"
            raise ValueError(
                f"expected either fuzzy_set or raw_indicator, found {found}"
            )
        return self
