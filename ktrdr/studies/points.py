"""The points of a sweep: all combinations of values, or some drawn at random."""

import math
from collections.abc import Iterator
from itertools import product

import numpy as np

from ktrdr.errors import InputError
from ktrdr.schemas import Overrides, Parameter, ParameterValue, SweepRequest

MOST_POINTS = 20_000
# Draws for each point that is still missing, before what there is counts as all.
_TRIES = 50


def make_points(request: SweepRequest) -> list[Overrides]:
    """Return the sweep's points, each different from all others.

    Raises
    ------
    InputError
        If there are more than ``MOST_POINTS``, a path is there twice, a grid has an
        interval, or nothing can be drawn from one.
    """
    _check_paths(request.parameters)
    _check_intervals(request.parameters)
    if request.method == "random":
        return _random_points(request)
    return list(_grid_points(request.parameters))


def _check_paths(parameters: tuple[Parameter, ...]) -> None:
    paths = [one.path for one in parameters]
    twice = sorted({path for path in paths if paths.count(path) > 1})
    if twice:
        raise InputError(f"{', '.join(twice)} is given more than once")


def _check_intervals(parameters: tuple[Parameter, ...]) -> None:
    for one in parameters:
        if one.low is None or one.high is None:
            continue
        if one.is_integer and math.ceil(one.low) > math.floor(one.high):
            raise InputError(
                f"{one.path}: no whole number lies between {one.low:g} and "
                f"{one.high:g}; expected a wider interval"
            )
        if not math.isfinite(one.high - one.low):
            raise InputError(
                f"{one.path}: the interval from {one.low:g} to {one.high:g} is too "
                "wide to draw from; expected a narrower one"
            )


def _grid_points(parameters: tuple[Parameter, ...]) -> Iterator[Overrides]:
    intervals = [one.path for one in parameters if one.values is None]
    if intervals:
        raise InputError(
            f"{', '.join(intervals)} has an interval, and a grid needs values: list "
            "them, or draw points with the method random"
        )
    n_points = math.prod(len(one.values or ()) for one in parameters)
    if n_points > MOST_POINTS:
        sizes = " x ".join(str(len(one.values or ())) for one in parameters)
        raise InputError(
            f"the grid has {sizes} = {n_points:,} points, at most {MOST_POINTS:,} "
            "expected: take fewer values, or draw points with the method random"
        )
    paths = [one.path for one in parameters]
    for values in product(*(one.values or () for one in parameters)):
        yield dict(zip(paths, values, strict=True))


def _random_points(request: SweepRequest) -> list[Overrides]:
    rng = np.random.default_rng(request.seed)
    wanted = request.n_points or 0
    found: dict[str, Overrides] = {}
    for _ in range(_TRIES):
        for _ in range(wanted - len(found)):
            point = {one.path: _draw(one, rng) for one in request.parameters}
            found.setdefault(repr(point), point)
        if len(found) == wanted:
            break
    return list(found.values())


def _draw(parameter: Parameter, rng: np.random.Generator) -> ParameterValue:
    if parameter.values is not None:
        return parameter.values[int(rng.integers(len(parameter.values)))]
    low, high = float(parameter.low or 0.0), float(parameter.high or 0.0)
    if parameter.is_integer:
        # Whole numbers own the unit around them, so that both ends are as likely.
        low, high = math.ceil(low) - 0.5, math.floor(high) + 0.5
    if parameter.is_log:
        value = math.exp(rng.uniform(math.log(low), math.log(high)))
    else:
        value = rng.uniform(low, high)
    return round(value) if parameter.is_integer else float(value)
