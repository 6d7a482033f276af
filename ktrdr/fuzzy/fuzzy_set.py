"""Fuzzy sets: the linguistic terms of one indicator."""

from collections.abc import Mapping
from difflib import get_close_matches
from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from ktrdr.fuzzy.membership import MembershipFunction
from ktrdr.schemas import IDENTIFIER_PATTERN, Identifier, Part

Quantile = Annotated[float, Field(ge=0, le=1)]
# Keys of a fuzzy set in a strategy file that can't be names of terms.
RESERVED_NAMES = ("indicator", "auto", "memberships")
MAX_TERMS = 64


class FuzzySet(Part):
    """The terms of one indicator, such as low, medium and high.

    In a strategy file the terms stand directly below the fuzzy set, each with its
    membership function; or ``auto`` names the terms from low to high and their
    functions are fitted to the training bars.

    Attributes
    ----------
    indicator : str
        Id of an indicator, for its primary output, or ``id.output``.
    memberships : dict of str to MembershipFunction
        The given terms; empty if they are fitted.
    auto : dict of str to float or None, optional
        The terms to fit, from low to high, each with the quantile of the training
        values at which its degree peaks; all None for evenly spaced quantiles.
    """

    indicator: str
    memberships: dict[Identifier, MembershipFunction] = Field(
        default={}, max_length=MAX_TERMS
    )
    auto: dict[Identifier, Quantile | None] | None = Field(
        default=None, max_length=MAX_TERMS
    )

    @model_validator(mode="before")
    @classmethod
    def _gather_memberships(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "memberships" in data:
            return data
        fields = {key: data[key] for key in ("indicator", "auto") if key in data}
        if isinstance(fields.get("auto"), list | tuple):
            fields["auto"] = _as_nulls(fields["auto"])
        terms = {key: value for key, value in data.items() if key not in fields}
        for name, value in terms.items():
            _check_spelling(name, value)
        return {**fields, "memberships": terms}

    @model_validator(mode="after")
    def _check_terms(self) -> Self:
        if self.auto is None:
            if not self.memberships:
                raise ValueError(
                    "no membership functions: expected terms such as low and high, "
                    "each with type and parameters, or auto: {low, medium, high}"
                )
        elif self.memberships:
            raise ValueError("expected either membership functions or auto, found both")
        else:
            _check_auto(self.auto)
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the form that stands in a file, for editors."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        properties = dict(schema["properties"])
        terms = properties.pop("memberships")["patternProperties"].values()
        pattern = f"^(?!({'|'.join(RESERVED_NAMES)})$){IDENTIFIER_PATTERN[1:]}"
        by_quantile, null = properties["auto"]["anyOf"]
        names = {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 2,
            "maxItems": MAX_TERMS,
            "uniqueItems": True,
        }
        properties["auto"] = {
            "description": "Names from low to high, fitted to the training bars, each "
            "with the quantile of its peak or all without.",
            "anyOf": [by_quantile, names, null],
        }
        return {
            **schema,
            "properties": properties,
            "patternProperties": dict.fromkeys([pattern], *terms),
        }

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the terms, in the order of the file."""
        return tuple(self.memberships if self.auto is None else self.auto)

    @property
    def indicator_id(self) -> str:
        """Id of the indicator, without the output's name."""
        return self.indicator.partition(".")[0]

    @property
    def output(self) -> str | None:
        """Name of the indicator's output; None is the primary one."""
        return self.indicator.partition(".")[2] or None


def _check_spelling(name: Any, value: Any) -> None:
    # Taken for a term, a misspelt auto would be blamed for all that it holds.
    holds_names = isinstance(value, list | dict) and "type" not in value
    if holds_names and get_close_matches(str(name).lower(), ["auto"], cutoff=0.7):
        raise ValueError(
            f"{name!r} is no term with type and parameters: did you mean auto?"
        )


def _as_nulls(names: list[Any] | tuple[Any, ...]) -> dict[str, None]:
    if not all(isinstance(name, str) for name in names):
        raise ValueError("auto: expected a list of names such as [low, medium, high]")
    if len(set(names)) < len(names):
        raise ValueError("auto: expected each name once")
    return dict.fromkeys(names)


def _check_auto(auto: Mapping[str, float | None]) -> None:
    if len(auto) < 2:
        raise ValueError(f"auto: expected at least 2 names, found {len(auto)}")
    given = [quantile for quantile in auto.values() if quantile is not None]
    if given and len(given) < len(auto):
        raise ValueError("auto: expected a quantile for every name or for none")
    if any(left >= right for left, right in pairwise(given)):
        raise ValueError(
            "auto: expected names from low to high with increasing quantiles, found "
            + ", ".join(f"{quantile:g}" for quantile in given)
        )
