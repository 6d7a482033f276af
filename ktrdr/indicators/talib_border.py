"""TA-Lib's description of itself, typed: its own stubs leave that out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, cast

import talib
from talib import abstract

from ktrdr.typing import FloatArray

# TA-Lib's numbers for its moving averages. Left out are 10, no average at all,
# and 11, which leaves the choice to the function.
MOVING_AVERAGES: Mapping[str, int] = {
    "sma": 0,
    "ema": 1,
    "wma": 2,
    "dema": 3,
    "tema": 4,
    "trima": 5,
    "kama": 6,
    "mama": 7,
    "t3": 8,
    "hma": 9,
    "zlema": 12,
    "rma": 13,
}


class _Function(Protocol):
    """The parts used here of TA-Lib's abstract function."""

    info: dict[str, object]
    parameters: dict[str, float]
    lookback: int


@dataclass(frozen=True, kw_only=True)
class Description:
    """What TA-Lib tells about one of its functions.

    Attributes
    ----------
    title : str
        Its name in words.
    inputs : dict
        Name of each input, and the columns of the bars that it stands for; where
        it is free to be any series, a word instead of a list.
    parameters : dict of str to int or float
        Defaults, in the function's own order.
    outputs : list of str
        In the function's own order.
    flags : tuple of str
        Such as "Output can be NaN or infinite".
    """

    title: str
    inputs: Mapping[str, list[str] | str]
    parameters: Mapping[str, float]
    outputs: list[str]
    flags: tuple[str, ...]


def functions_by_group() -> Mapping[str, list[str]]:
    """Return the names of all functions of the installed TA-Lib."""
    groups = cast(Callable[[], dict[str, list[str]]], talib.get_function_groups)
    return groups()


def implementation(function: str) -> Callable[..., FloatArray | tuple[object, ...]]:
    """Return the function itself, which takes arrays, then parameters."""
    found = getattr(talib, function)
    return cast(Callable[..., FloatArray | tuple[object, ...]], found)


def describe(function: str) -> Description:
    """Return what TA-Lib tells about ``function``."""
    info = _function(function).info
    return Description(
        title=cast(str, info["display_name"]),
        inputs=cast(dict[str, list[str] | str], info["input_names"]),
        parameters=cast(dict[str, float], info["parameters"]),
        outputs=cast(list[str], info["output_names"]),
        flags=tuple(cast(list[str] | None, info["function_flags"]) or ()),
    )


@lru_cache(maxsize=4096)
def lookback(function: str, values: tuple[float, ...]) -> int:
    """Return the number of leading bars without a value, as TA-Lib tells it.

    ``values`` are those of all parameters in the function's own order.
    """
    described = _function(function)
    described.parameters = dict(zip(described.parameters, values, strict=True))
    return described.lookback


def _function(name: str) -> _Function:
    return cast(_Function, vars(abstract)["Function"](name))


def moving_average(values: FloatArray, timeperiod: int, matype: str) -> FloatArray:
    """Return TA-Lib's moving average of that kind; NaN during its warm-up."""
    average = implementation("MA")(values, timeperiod, MOVING_AVERAGES[matype])
    return cast(FloatArray, average)


def moving_average_warm_up(timeperiod: int, matype: str) -> int:
    """Return the number of leading bars without that moving average."""
    return lookback("MA", (timeperiod, MOVING_AVERAGES[matype]))


def bollinger_bands(
    values: FloatArray, timeperiod: int, nbdev: float, matype: str
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return upper band, average and lower band."""
    bands = implementation("BBANDS")(
        values, timeperiod, nbdev, nbdev, MOVING_AVERAGES[matype]
    )
    return cast(tuple[FloatArray, FloatArray, FloatArray], bands)
