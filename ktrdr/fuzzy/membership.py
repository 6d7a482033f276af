"""Membership functions: how much a value belongs to a linguistic term."""

from collections.abc import Callable
from itertools import pairwise
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from ktrdr.schemas import Part
from ktrdr.typing import FloatArray

MembershipType = Literal[
    "triangular",
    "trapezoidal",
    "gaussian",
    "generalized_bell",
    "sigmoid",
    "linear_z",
    "linear_s",
]

# Far beyond any price or volume, and its square is still a number.
LARGEST_PARAMETER = 1e100
Parameter = Annotated[float, Field(ge=-LARGEST_PARAMETER, le=LARGEST_PARAMETER)]


class MembershipFunction(Part):
    """How much a value belongs to a term such as ``low``, from 0 to 1.

    Calling it with an array returns the array of degrees.

    Attributes
    ----------
    type : str
        Shape of the function, which says what the parameters mean:

        =================  ===================  ================================
        type               parameters           degree
        =================  ===================  ================================
        triangular         a <= b <= c, a < c   0 at a, 1 at b, 0 at c
        trapezoidal        a <= b <= c <= d,    0 at a, 1 from b to c, 0 at d
                           a < d
        gaussian           mean, sigma > 0      exp(-((x - mean) / sigma)**2 / 2)
        generalized_bell   a > 0, b > 0, c      1 / (1 + abs((x - c) / a)**(2 b))
        sigmoid            slope != 0, centre   1 / (1 + exp(-slope (x - centre)))
        linear_z           a < b                1 up to a, falling to 0 at b
        linear_s           a < b                0 up to a, rising to 1 at b
        =================  ===================  ================================

        Where two corners of a triangle or trapezoid are one, the function jumps
        there and the degree at the corner itself is 1.
    parameters : tuple of float
        In the order of the table, in the indicator's units.

    Notes
    -----
    NaN in gives NaN out. An infinite value has the degree of the limit.

    References
    ----------
    Zadeh (1965), Fuzzy Sets. Jang (1993), ANFIS: Adaptive-Network-Based Fuzzy
    Inference System, equation 2 (generalized bell) and 3 (gaussian).
    """

    type: MembershipType
    # Not strict about lists: within a fuzzy set, JSON's arrays come as such.
    parameters: Annotated[tuple[Parameter, ...], Field(strict=False)]

    @model_validator(mode="after")
    def _check_parameters(self) -> Self:
        names = PARAMETER_NAMES[self.type]
        if len(self.parameters) != len(names):
            raise ValueError(
                f"{self.type} takes {len(names)} parameters ({', '.join(names)}), "
                f"found {len(self.parameters)}"
            )
        problem = _problem_of(self.type, self.parameters)
        if problem:
            found = ", ".join(f"{value:g}" for value in self.parameters)
            raise ValueError(f"{self.type} needs {problem}; found {found}")
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Tell editors how many parameters each type takes and what they mean."""
        return {"oneOf": [_schema_of(kind) for kind in PARAMETER_NAMES]}

    def __call__(self, values: FloatArray) -> FloatArray:
        """Return the degree of each value.

        Parameters
        ----------
        values : ndarray of any shape

        Returns
        -------
        ndarray of the same shape
            From 0 to 1; NaN where the value is NaN.
        """
        x = np.asarray(values, dtype=np.float64)
        # Overflow goes to infinity, whose degree is the right limit.
        with np.errstate(over="ignore"):
            degrees = _SHAPES[self.type](x, *self.parameters)
        return np.where(np.isnan(x), np.nan, degrees)


PARAMETER_NAMES: dict[str, tuple[str, ...]] = {
    "triangular": ("a", "b", "c"),
    "trapezoidal": ("a", "b", "c", "d"),
    "gaussian": ("mean", "sigma"),
    "generalized_bell": ("a", "b", "c"),
    "sigmoid": ("slope", "centre"),
    "linear_z": ("a", "b"),
    "linear_s": ("a", "b"),
}


def _schema_of(kind: str) -> JsonSchemaValue:
    names = PARAMETER_NAMES[kind]
    return {
        "type": "object",
        "required": ["type", "parameters"],
        "additionalProperties": False,
        "properties": {
            "type": {"const": kind},
            "parameters": {
                "type": "array",
                "description": ", ".join(names),
                "items": {"type": "number"},
                "minItems": len(names),
                "maxItems": len(names),
            },
        },
    }


def _problem_of(kind: MembershipType, parameters: tuple[float, ...]) -> str | None:
    match kind, parameters:
        case "triangular" | "trapezoidal", _:
            ordered = all(left <= right for left, right in pairwise(parameters))
            if not ordered or parameters[0] == parameters[-1]:
                names = PARAMETER_NAMES[kind]
                return f"{' <= '.join(names)} and {names[0]} < {names[-1]}"
        case "linear_z" | "linear_s", (a, b) if a >= b:
            return "a < b"
        case "gaussian", (_, sigma) if sigma <= 0:
            return "sigma > 0"
        case "generalized_bell", (a, b, _) if a <= 0 or b <= 0:
            return "width a > 0 and slope b > 0"
        case "sigmoid", (slope, _) if slope == 0:
            return "a slope that is not 0"
    return None


def _rise(x: FloatArray, a: float, b: float) -> FloatArray:
    if a == b:
        return np.where(x >= a, 1.0, 0.0)
    return (np.clip(x, a, b) - a) / (b - a)


def _fall(x: FloatArray, a: float, b: float) -> FloatArray:
    # One minus the rise, so that neighbours of a partition sum to 1 exactly.
    if a == b:
        return np.where(x <= a, 1.0, 0.0)
    return 1.0 - _rise(x, a, b)


def _triangular(x: FloatArray, a: float, b: float, c: float) -> FloatArray:
    return np.minimum(_rise(x, a, b), _fall(x, b, c))


def _trapezoidal(x: FloatArray, a: float, b: float, c: float, d: float) -> FloatArray:
    return np.minimum(_rise(x, a, b), _fall(x, c, d))


def _gaussian(x: FloatArray, mean: float, sigma: float) -> FloatArray:
    return np.exp(-0.5 * np.square((x - mean) / sigma))


def _generalized_bell(x: FloatArray, a: float, b: float, c: float) -> FloatArray:
    return 1.0 / (1.0 + np.abs((x - c) / a) ** (2.0 * b))


def _sigmoid(x: FloatArray, slope: float, centre: float) -> FloatArray:
    # The hyperbolic tangent saturates where exp(-z) would overflow.
    return 0.5 * (1.0 + np.tanh(slope * (0.5 * (x - centre))))


_SHAPES: dict[str, Callable[..., FloatArray]] = {
    "triangular": _triangular,
    "trapezoidal": _trapezoidal,
    "gaussian": _gaussian,
    "generalized_bell": _generalized_bell,
    "sigmoid": _sigmoid,
    "linear_z": _fall,
    "linear_s": _rise,
}
