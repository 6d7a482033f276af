"""Uses of every indicator: with its defaults, its bounds and random parameters."""

import numpy as np

from ktrdr.indicators import (
    Indicator,
    IndicatorUse,
    Parameter,
    catalogue,
    check_use,
)
from ktrdr.indicators.indicator import Value

NAMES = tuple(catalogue())


def default_use(name: str) -> IndicatorUse:
    return IndicatorUse(type=name)


def random_uses(name: str, count: int, longest: int = 40) -> list[IndicatorUse]:
    """Valid uses, the first with every period at its least; the same each time."""
    indicator = catalogue()[name]
    if not indicator.parameters:
        return [default_use(name)]
    rng = np.random.default_rng(sum(map(ord, name)))
    return [
        _shortest(indicator),
        *(_random(indicator, rng, longest) for _ in range(count)),
    ]


def _shortest(indicator: Indicator) -> IndicatorUse:
    shortest: dict[str, Value] = {
        one.name: int(one.minimum) for one in indicator.parameters if one.kind == "int"
    }
    if "slowperiod" in shortest:
        shortest["slowperiod"] = int(shortest["slowperiod"]) + 1
    return IndicatorUse(type=indicator.name, parameters=shortest)


def _random(
    indicator: Indicator, rng: np.random.Generator, longest: int
) -> IndicatorUse:
    for _ in range(1000):
        use = IndicatorUse(
            type=indicator.name,
            parameters={
                one.name: _random_value(one, rng, longest)
                for one in indicator.parameters
            },
        )
        if not check_use(use):
            return use
    raise AssertionError(f"no valid use of {indicator.name} found")


def _random_value(
    parameter: Parameter, rng: np.random.Generator, longest: int
) -> Value:
    if parameter.kind == "choice":
        return str(rng.choice(parameter.choices))
    low = parameter.minimum
    if parameter.kind == "int":
        return int(rng.integers(int(low), longest, endpoint=True))
    return float(rng.uniform(low, min(parameter.maximum, low + 5)))
