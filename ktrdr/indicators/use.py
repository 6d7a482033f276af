"""An indicator as a strategy uses it: type and parameters, and what is wrong."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated

from pydantic import (
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from ktrdr.errors import InputError
from ktrdr.indicators.catalogue import (
    catalogue,
    find_indicator,
    nearest_indicators,
)
from ktrdr.indicators.indicator import Indicator, Parameter, Value
from ktrdr.indicators.schema import indicator_schema
from ktrdr.schemas import Part

# No parameter of any indicator comes near it; the digits of a larger number
# would only fill messages.
_LARGEST_NUMBER = 1e15


def _plain(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("expected a number or a word")
    if not isinstance(value, str) and not abs(value) <= _LARGEST_NUMBER:
        raise ValueError("expected a number of reasonable size")
    if isinstance(value, str) and len(value) > 64:
        raise ValueError("expected a word of at most 64 characters")
    return value


ParameterName = Annotated[str, Field(min_length=1, max_length=64)]
ParameterValue = Annotated[int | float | str, BeforeValidator(_plain)]


class IndicatorUse(Part):
    """One indicator of a strategy.

    In a file, parameters stand beside ``type``; those left out take their
    defaults. Whether the indicator exists and takes these values is told by
    ``check_use``, all problems at once.
    """

    type: Annotated[str, Field(min_length=1, max_length=64)]
    parameters: dict[ParameterName, ParameterValue] = Field(
        default_factory=dict, max_length=64
    )

    @model_validator(mode="before")
    @classmethod
    def _gather_parameters(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        fields = {key: data[key] for key in ("type", "parameters") if key in data}
        inline = {key: value for key, value in data.items() if key not in fields}
        if not inline:
            return data
        if "parameters" in fields:
            raise ValueError(
                "parameters stand beside `type` or under `parameters`, not in both"
            )
        return {**fields, "parameters": inline}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the form that stands in a file, for editors."""
        return indicator_schema()


@dataclass(frozen=True, kw_only=True)
class UseProblem:
    """One thing wrong with the use of an indicator.

    Attributes
    ----------
    key : str
        ``type`` or the name of the parameter.
    message : str
        What was found and what was expected.
    hint : str or None
        What to do, for example the nearest valid name.
    """

    key: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.key}: {self.message}{hint}"


def check_use(use: IndicatorUse) -> list[UseProblem]:
    """Return all that is wrong with ``use``; empty if it can be computed."""
    indicator = catalogue().get(use.type)
    if indicator is None:
        hint = nearest_indicators(use.type) or "see `ktrdr indicators list`"
        message = f"unknown indicator {use.type!r}"
        return [UseProblem(key="type", message=message, hint=hint)]
    problems = list(_parameter_problems(indicator, use))
    if not problems:
        together = indicator.problems({**indicator.defaults, **use.parameters})
        problems += [
            UseProblem(key=key, message=message) for key, message in together.items()
        ]
    return problems


def _parameter_problems(
    indicator: Indicator, use: IndicatorUse
) -> Iterator[UseProblem]:
    for name, value in use.parameters.items():
        parameter = indicator.parameter(name)
        if parameter is None:
            yield _unknown_parameter(indicator, name)
        elif not parameter.accepts(value):
            message = f"found {value!r}, expected {parameter.expected}"
            hint = _value_hint(parameter, value)
            yield UseProblem(key=name, message=message, hint=hint)


def _unknown_parameter(indicator: Indicator, name: str) -> UseProblem:
    known = list(indicator.defaults)
    close = get_close_matches(name.lower(), known, n=1)
    takes = f"it takes {', '.join(known)}" if known else "it takes no parameters"
    return UseProblem(
        key=name,
        message=f"{indicator.name} has no parameter {name!r}; {takes}",
        hint=f"did you mean {close[0]}?" if close else None,
    )


def _value_hint(parameter: Parameter, value: Value) -> str | None:
    if isinstance(value, str):
        close = get_close_matches(value.lower(), parameter.choices, n=1)
        return f"did you mean {close[0]}?" if close else None
    if parameter.kind == "int" and isinstance(value, float) and value.is_integer():
        return f"write {int(value)}"
    return None


def resolve(use: IndicatorUse) -> tuple[Indicator, dict[str, Value]]:
    """Return the indicator and all arguments, defaults included.

    Raises
    ------
    NotFoundError
        If there is no such indicator.
    InputError
        If parameters are wrong; the message lists all problems.
    """
    indicator = find_indicator(use.type)
    problems = check_use(use)
    if problems:
        listed = "; ".join(map(str, problems))
        raise InputError(f"indicator {use.type}: {listed}")
    return indicator, {**indicator.defaults, **use.parameters}
