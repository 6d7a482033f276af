"""Every function of TA-Lib as an indicator, under its own name in lower case."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np

from ktrdr.data import Bars
from ktrdr.indicators import talib_facts
from ktrdr.indicators.indicator import Arguments, Indicator, Parameter
from ktrdr.indicators.parameters import (
    average_kind,
    number,
    period,
    source,
    source_values,
)
from ktrdr.indicators.talib_border import (
    MOVING_AVERAGES,
    Description,
    describe,
    functions_by_group,
    implementation,
    lookback,
)
from ktrdr.typing import FloatArray

_GROUPS = {
    "Cycle Indicators": "cycle",
    "Math Operators": "math",
    "Math Transform": "math",
    "Momentum Indicators": "momentum",
    "Overlap Studies": "overlap",
    "Pattern Recognition": "pattern",
    "Price Transform": "price",
    "Statistic Functions": "statistics",
    "Volatility Indicators": "volatility",
    "Volume Indicators": "volume",
}
_CAN_FAIL = "Output can be NaN or infinite"

Feed = Callable[[Bars, Arguments], FloatArray]


def talib_indicators() -> Iterator[Indicator]:
    """Describe every function that the installed TA-Lib has."""
    for group, functions in functions_by_group().items():
        for function in functions:
            yield _indicator(function, _GROUPS.get(group, group.lower()))


def _indicator(function: str, group: str) -> Indicator:
    described = describe(function)
    name = function.lower()
    own = tuple(
        _parameter(name, key, default) for key, default in described.parameters.items()
    )
    outputs = _output_names(described.outputs)
    order = _primary_first(name, outputs)
    may_be_undefined = _CAN_FAIL in described.flags or name in talib_facts.OVERFLOWING
    warm_up = partial(_warm_up, function, own)
    return Indicator(
        name=name,
        title=described.title,
        group=group,
        origin="ta-lib",
        inputs=tuple(_fixed_columns(described)),
        parameters=(*own, *_source_parameters(described)),
        outputs=tuple(outputs[index] for index in order),
        compute=_Computation(
            function=implementation(function),
            feeds=tuple(_feeds(described)),
            own=own,
            order=order,
            warm_up=warm_up,
            may_be_infinite=may_be_undefined,
        ),
        warm_up=warm_up,
        problems=partial(talib_facts.problems, name),
        depends_on_first_bar=name in talib_facts.DEPENDS_ON_FIRST_BAR,
        may_be_undefined=may_be_undefined,
        note=talib_facts.NOTES.get(name, ""),
    )


def _parameter(function: str, name: str, default: float) -> Parameter:
    if name.endswith("matype"):
        names = {code: kind for kind, code in MOVING_AVERAGES.items()}
        return average_kind(names[int(default)], name)
    if isinstance(default, int):
        smallest = talib_facts.smallest_period(function, name)
        return period(default, name, min(default, smallest))
    return number(default, name, *talib_facts.real_bounds(name))


def _source_parameters(described: Description) -> Iterator[Parameter]:
    for name in described.inputs:
        if name == "price":
            yield source()
        if name == "price0":
            yield source("high")
        if name == "price1":
            yield source("low", "source2")


def _fixed_columns(described: Description) -> Iterator[str]:
    for columns in described.inputs.values():
        if isinstance(columns, list):
            yield from columns


def _feeds(described: Description) -> Iterator[Feed]:
    """Yield what gives each array that the function takes, in its order."""
    for name, columns in described.inputs.items():
        if isinstance(columns, list):
            yield from (partial(_column, column) for column in columns)
        elif name == "periods":
            yield _dominant_cycle
        else:
            key = "source2" if name == "price1" else "source"
            yield partial(source_values, key=key)


def _column(name: str, bars: Bars, arguments: Arguments) -> FloatArray:
    return cast(FloatArray, getattr(bars, name))


def _dominant_cycle(bars: Bars, arguments: Arguments) -> FloatArray:
    cycle = implementation("HT_DCPERIOD")(source_values(bars, arguments))
    return np.round(cast(FloatArray, cycle))


def _output_names(names: list[str]) -> list[str]:
    """TA-Lib calls a single output after its type, which says nothing."""
    return ["value"] if len(names) == 1 else names


def _primary_first(function: str, outputs: list[str]) -> tuple[int, ...]:
    first = outputs.index(talib_facts.PRIMARY.get(function, outputs[0]))
    others = (index for index in range(len(outputs)) if index != first)
    return (first, *others)


def _values(own: Iterable[Parameter], arguments: Arguments) -> tuple[float, ...]:
    """Return TA-Lib's values of its own parameters, in its order."""
    return tuple(_value(parameter, arguments) for parameter in own)


def _value(parameter: Parameter, arguments: Arguments) -> float:
    value = arguments[parameter.name]
    if parameter.kind == "choice":
        return MOVING_AVERAGES[str(value)]
    return int(value) if parameter.kind == "int" else float(value)


def _warm_up(function: str, own: tuple[Parameter, ...], arguments: Arguments) -> int:
    # The periods of MAVP are not known before the dominant cycle.
    before = lookback("HT_DCPERIOD", ()) if function == "MAVP" else 0
    return before + lookback(function, _values(own, arguments))


@dataclass(frozen=True, kw_only=True)
class _Computation:
    """Calls one function of TA-Lib on bars."""

    function: Callable[..., FloatArray | tuple[object, ...]]
    feeds: tuple[Feed, ...]
    own: tuple[Parameter, ...]
    order: tuple[int, ...]
    warm_up: Callable[[Arguments], int]
    may_be_infinite: bool

    def __call__(self, bars: Bars, arguments: Arguments) -> tuple[FloatArray, ...]:
        arrays = [feed(bars, arguments) for feed in self.feeds]
        result = self.function(*arrays, *_values(self.own, arguments))
        outputs = result if isinstance(result, tuple) else (result,)
        unknown = self.warm_up(arguments)
        return tuple(self._known(outputs[index], unknown) for index in self.order)

    def _known(self, output: object, unknown: int) -> FloatArray:
        values = np.asarray(output)
        if values.dtype != np.float64:
            # Whole numbers are 0 in the warm-up, which would read as a value.
            values = values.astype(np.float64)
            values[:unknown] = np.nan
        if self.may_be_infinite:
            values[np.isinf(values)] = np.nan
        return values
