"""Parameters that many indicators share, and what their values mean."""

from collections.abc import Callable, Mapping

from ktrdr.data import Bars
from ktrdr.indicators.indicator import MAX_PERIOD, Arguments, Parameter
from ktrdr.indicators.talib_border import MOVING_AVERAGES
from ktrdr.typing import FloatArray

_SOURCES: Mapping[str, Callable[[Bars], FloatArray]] = {
    "open": lambda bars: bars.open,
    "high": lambda bars: bars.high,
    "low": lambda bars: bars.low,
    "close": lambda bars: bars.close,
    "volume": lambda bars: bars.volume,
    "hl2": lambda bars: (bars.high + bars.low) / 2,
    "hlc3": lambda bars: (bars.high + bars.low + bars.close) / 3,
    "ohlc4": lambda bars: (bars.open + bars.high + bars.low + bars.close) / 4,
}
SOURCES = tuple(_SOURCES)


def source_values(bars: Bars, arguments: Arguments, key: str = "source") -> FloatArray:
    """Return the series that the argument ``key`` names, shape (n_bars,)."""
    return _SOURCES[str(arguments[key])](bars)


def source(default: str = "close", name: str = "source") -> Parameter:
    """Describe the choice of the series that an indicator reads."""
    return Parameter(name=name, kind="choice", default=default, choices=SOURCES)


def price_source(default: str = "close") -> Parameter:
    """Describe the choice of a price: any source but volume, which may be 0."""
    prices = tuple(name for name in SOURCES if name != "volume")
    return Parameter(name="source", kind="choice", default=default, choices=prices)


def period(default: int, name: str = "timeperiod", minimum: int = 2) -> Parameter:
    """Describe a length in bars."""
    return Parameter(
        name=name, kind="int", default=default, minimum=minimum, maximum=MAX_PERIOD
    )


def number(
    default: float, name: str, minimum: float = 0.0, maximum: float = 100.0
) -> Parameter:
    """Describe a real number."""
    return Parameter(
        name=name, kind="float", default=default, minimum=minimum, maximum=maximum
    )


def average_kind(default: str = "sma", name: str = "matype") -> Parameter:
    """Describe the choice of a moving average."""
    choices = tuple(MOVING_AVERAGES)
    return Parameter(name=name, kind="choice", default=default, choices=choices)


def as_int(arguments: Arguments, key: str = "timeperiod") -> int:
    """Return an argument already checked to be a whole number."""
    return int(arguments[key])


def as_float(arguments: Arguments, key: str) -> float:
    """Return an argument already checked to be a number."""
    return float(arguments[key])
