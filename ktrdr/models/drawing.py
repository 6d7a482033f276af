"""Membership functions as curves, and drawn in the terminal."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ktrdr.errors import InputError
from ktrdr.features import FittedFeatures, memberships_of
from ktrdr.fuzzy import MembershipFunction
from ktrdr.models.inputs import input_groups
from ktrdr.strategy import Strategy, expand_inputs
from ktrdr.typing import FloatArray

_BLOCKS = " ▁▂▃▄▅▆▇█"
# Share of the range that is shown on both sides of where the functions change.
_MARGIN = 0.1
# Where a function without an end is cut off: its degree there is about 1 %.
_SIGMAS = 3.0
_LOG_ODDS = 5.0


@dataclass(frozen=True, kw_only=True, eq=False)
class FuzzyInput:
    """One fuzzy set on one timeframe, with its membership functions.

    Attributes
    ----------
    key, title, indicator : str
        As those of ``MembershipCurves``.
    functions : dict of str to MembershipFunction
        By term.
    """

    key: str
    title: str
    indicator: str
    functions: Mapping[str, MembershipFunction]


@dataclass(frozen=True, kw_only=True, eq=False)
class MembershipCurves:
    """The membership functions of one fuzzy set on one timeframe.

    Attributes
    ----------
    key : str
        ``{timeframe}_{fuzzy_set}``.
    title : str
        The same in words.
    indicator : str
        What the values are of: an indicator's id, with its output if one is named.
    values : ndarray of shape (n_points,)
        Values of the indicator, evenly spaced over the range that matters.
    degrees : dict of str to ndarray of shape (n_points,)
        Degree of each term, from 0 to 1.
    """

    key: str
    title: str
    indicator: str
    values: FloatArray
    degrees: dict[str, FloatArray]


def fuzzy_inputs(strategy: Strategy, fitted: FittedFeatures) -> tuple[FuzzyInput, ...]:
    """Return every fuzzy input with its functions, in the order of the file."""
    return tuple(
        FuzzyInput(
            key=group.key,
            title=group.title,
            indicator=strategy.fuzzy_sets[entry.fuzzy_set].indicator,
            functions=memberships_of(
                strategy, fitted, entry.timeframe, entry.fuzzy_set
            ),
        )
        for group, entry in zip(
            input_groups(strategy), expand_inputs(strategy), strict=True
        )
        if entry.fuzzy_set is not None
    )


def membership_curves(
    strategy: Strategy, fitted: FittedFeatures, *, n_points: int = 201
) -> tuple[MembershipCurves, ...]:
    """Return the curves of every fuzzy input, in the order of the file."""
    return tuple(
        curves_of(one, n_points=n_points) for one in fuzzy_inputs(strategy, fitted)
    )


def curves_of(
    fuzzy: FuzzyInput,
    *,
    n_points: int = 201,
    low: float | None = None,
    high: float | None = None,
) -> MembershipCurves:
    """Return the curves of ``fuzzy``, by default over where its functions change.

    Raises
    ------
    InputError
        If that is no range of numbers, or ``low`` is not below ``high``.
    """
    found_low, found_high = _range(fuzzy.functions)
    low = found_low if low is None else low
    high = found_high if high is None else high
    # The difference, too, has to be a number.
    if not (low < high and np.isfinite(high - low)):
        raise InputError(
            f"can't draw {fuzzy.key} from {low:g} to {high:g}; give a low below a high"
        )
    values = np.linspace(low, high, n_points)
    return MembershipCurves(
        key=fuzzy.key,
        title=fuzzy.title,
        indicator=fuzzy.indicator,
        values=values,
        degrees={name: each(values) for name, each in fuzzy.functions.items()},
    )


def draw_memberships(
    curves: MembershipCurves,
    *,
    width: int = 60,
    height: int = 2,
    marked: float | None = None,
) -> str:
    """Return ``curves`` drawn with block characters, one strip a term.

    Parameters
    ----------
    curves : MembershipCurves
        One fuzzy set.
    width : int
        Columns of a strip.
    height : int
        Lines of a strip.
    marked : float or None
        A value of the indicator to point at below the strips.
    """
    low, high = float(curves.values[0]), float(curves.values[-1])
    columns = np.linspace(low, high, width)
    names = max(map(len, curves.degrees))
    lines = [f"{curves.title} ({curves.indicator})"]
    for name, degrees in curves.degrees.items():
        strip = _strip(np.interp(columns, curves.values, degrees), height)
        labels = [*[""] * (height - 1), name]
        lines += [
            f"  {label:<{names}} │{line}│"
            for label, line in zip(labels, strip, strict=True)
        ]
    indent = " " * (names + 4)
    if marked is not None and np.isfinite(marked):
        share = min(max((marked - low) / (high - low), 0.0), 1.0)
        lines.append(f"{indent}{' ' * round(share * (width - 1))}▲ {marked:.6g}")
    left, right = f"{low:.6g}", f"{high:.6g}"
    lines.append(f"{indent}{left}{right:>{width - len(left)}}")
    return "\n".join(lines)


def _strip(degrees: FloatArray, height: int) -> list[str]:
    steps = len(_BLOCKS) - 1
    filled = np.rint(degrees * steps * height).astype(int)
    rows = [np.clip(filled - level * steps, 0, steps) for level in range(height)]
    return ["".join(_BLOCKS[step] for step in row) for row in reversed(rows)]


def _range(functions: Mapping[str, MembershipFunction]) -> tuple[float, float]:
    spans = [_span(function) for function in functions.values()]
    low, high = min(span[0] for span in spans), max(span[1] for span in spans)
    margin = _MARGIN * (high - low)
    return low - margin, high + margin


def _span(function: MembershipFunction) -> tuple[float, float]:
    # Between which values the function changes.
    match function.type, function.parameters:
        case "gaussian", (mean, sigma):
            return mean - _SIGMAS * sigma, mean + _SIGMAS * sigma
        case "generalized_bell", (width, slope, centre):
            reach = width * 99.0 ** (1 / (2 * max(slope, 0.5)))
            return centre - reach, centre + reach
        case "sigmoid", (slope, centre):
            reach = _LOG_ODDS / abs(slope)
            return centre - reach, centre + reach
        case _, parameters:
            return parameters[0], parameters[-1]
