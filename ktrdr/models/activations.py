"""Activations of the network's hidden neurons, with their slopes, in numpy."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ktrdr.errors import BundleError
from ktrdr.typing import FloatArray

Elementwise = Callable[[FloatArray], FloatArray]

# Rational Chebyshev approximations of erf and erfc, highest power first.
_NEAR_P = (
    1.85777706184603153e-1,
    3.16112374387056560e0,
    1.13864154151050156e2,
    3.77485237685302021e2,
    3.20937758913846947e3,
)
_NEAR_Q = (
    1.0,
    2.36012909523441209e1,
    2.44024637934444173e2,
    1.28261652607737228e3,
    2.84423683343917062e3,
)
_MIDDLE_P = (
    2.15311535474403846e-8,
    5.64188496988670089e-1,
    8.88314979438837594e0,
    6.61191906371416295e1,
    2.98635138197400131e2,
    8.81952221241769090e2,
    1.71204761263407058e3,
    2.05107837782607147e3,
    1.23033935479799725e3,
)
_MIDDLE_Q = (
    1.0,
    1.57449261107098347e1,
    1.17693950891312499e2,
    5.37181101862009858e2,
    1.62138957456669019e3,
    3.29079923573345963e3,
    4.36261909014324716e3,
    3.43936767414372164e3,
    1.23033935480374942e3,
)
_NEAR_END = 0.46875
_MIDDLE_END = 4.0
# From here on, erf differs from 1 by less than 1e-16.
_FAR = 6.0
_FAR_P = (
    1.63153871373020978e-2,
    3.05326634961232344e-1,
    3.60344899949804439e-1,
    1.25781726111229246e-1,
    1.60837851487422766e-2,
    6.58749161529837803e-4,
)
_FAR_Q = (
    1.0,
    2.56852019228982242e0,
    1.87295284992346047e0,
    5.27905102951428412e-1,
    6.05183413124413191e-2,
    2.33520497626869185e-3,
)


@dataclass(frozen=True, kw_only=True)
class Activation:
    """One activation.

    Attributes
    ----------
    value, slope : callable
        The function and its derivative, elementwise on float64 arrays of any
        shape. At a kink the slope is the one to the left of it.
    is_piecewise_linear : bool
        Whether it is linear on both sides of 0, with its only kink there.
    """

    value: Elementwise
    slope: Elementwise
    is_piecewise_linear: bool = False


def erf(x: FloatArray) -> FloatArray:
    """Return the error function of each element.

    Notes
    -----
    Within 1e-15 of the true value. NaN in gives NaN out.

    References
    ----------
    Cody (1969), Rational Chebyshev approximations for the error function,
    Mathematics of Computation 23.
    """
    size = np.abs(x)
    result = np.where(np.isnan(x), np.nan, 1.0)
    near = size <= _NEAR_END
    middle = (size > _NEAR_END) & (size <= _MIDDLE_END)
    far = (size > _MIDDLE_END) & (size < _FAR)
    square = np.square(size[near])
    result[near] = size[near] * _ratio(_NEAR_P, _NEAR_Q, square)
    y = size[middle]
    result[middle] = 1 - np.exp(-y * y) * _ratio(_MIDDLE_P, _MIDDLE_Q, y)
    y = size[far]
    inverse = 1 / (y * y)
    tail = (1 / np.sqrt(np.pi) - inverse * _ratio(_FAR_P, _FAR_Q, inverse)) / y
    result[far] = 1 - np.exp(-y * y) * tail
    return np.copysign(result, x)


def activation_named(name: str) -> Activation:
    """Return the activation that a strategy calls ``name``, or raise BundleError."""
    try:
        return _ACTIVATIONS[name]
    except KeyError:
        raise BundleError(
            f"unknown activation {name!r}: expected one of {', '.join(_ACTIVATIONS)}"
        ) from None


def _ratio(
    numerator: tuple[float, ...], denominator: tuple[float, ...], x: FloatArray
) -> FloatArray:
    return _polynomial(numerator, x) / _polynomial(denominator, x)


def _polynomial(coefficients: tuple[float, ...], x: FloatArray) -> FloatArray:
    total = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        total *= x
        total += coefficient
    return total


def _sigmoid(x: FloatArray) -> FloatArray:
    # exp of a negative number only, so that nothing overflows.
    small = np.exp(-np.abs(x))
    result: FloatArray = np.where(x >= 0, 1.0, small) / (1 + small)
    return result


def _sigmoid_slope(x: FloatArray) -> FloatArray:
    small = np.exp(-np.abs(x))
    slope: FloatArray = small / np.square(1 + small)
    return slope


def _tanh_slope(x: FloatArray) -> FloatArray:
    return 4 * _sigmoid_slope(2 * x)


def _gelu(x: FloatArray) -> FloatArray:
    return x * _normal_share(x)


def _gelu_slope(x: FloatArray) -> FloatArray:
    density = np.exp(-0.5 * np.square(x)) / np.sqrt(2 * np.pi)
    slope: FloatArray = _normal_share(x) + x * density
    return slope


def _normal_share(x: FloatArray) -> FloatArray:
    # Share of a standard normal distribution below x.
    return (1 + erf(x / np.sqrt(2))) / 2


def _silu(x: FloatArray) -> FloatArray:
    return x * _sigmoid(x)


def _silu_slope(x: FloatArray) -> FloatArray:
    return _sigmoid(x) + x * _sigmoid_slope(x)


def _relu(x: FloatArray) -> FloatArray:
    result: FloatArray = np.maximum(x, 0.0)
    return result


def _relu_slope(x: FloatArray) -> FloatArray:
    return (x > 0).astype(np.float64)


_LEAK = 0.01


def _leaky_relu(x: FloatArray) -> FloatArray:
    return np.where(x > 0, x, _LEAK * x)


def _leaky_relu_slope(x: FloatArray) -> FloatArray:
    return np.where(x > 0, 1.0, _LEAK)


_ACTIVATIONS = {
    "relu": Activation(value=_relu, slope=_relu_slope, is_piecewise_linear=True),
    "leaky_relu": Activation(
        value=_leaky_relu, slope=_leaky_relu_slope, is_piecewise_linear=True
    ),
    "tanh": Activation(value=np.tanh, slope=_tanh_slope),
    "sigmoid": Activation(value=_sigmoid, slope=_sigmoid_slope),
    "gelu": Activation(value=_gelu, slope=_gelu_slope),
    "silu": Activation(value=_silu, slope=_silu_slope),
}
