"""Parameters of a sweep as they are written on the command line."""

import csv
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation

from ktrdr.errors import InputError
from ktrdr.schemas import Overrides, Parameter, ParameterValue

_MOST_VALUES = 10_000
# Before or after the point: what has more is a slip, and slow to count with.
_MOST_DIGITS = 100
_SET_EXAMPLE = "--set backtest.stops.stop_loss=0.002,0.004 or =0.002..0.01..0.002"
_RANGE_EXAMPLE = "--range backtest.stops.stop_loss=0.001:0.02:log"


def parse_parameters(
    sets: Sequence[str], ranges: Sequence[str]
) -> tuple[Parameter, ...]:
    """Return the parameters that ``--set`` and ``--range`` describe.

    Raises
    ------
    InputError
        If one of them can't be understood, or a path is there twice.
    """
    found = [*map(_set, sets), *map(_range, ranges)]
    paths = [one.path for one in found]
    twice = sorted({path for path in paths if paths.count(path) > 1})
    if twice:
        raise InputError(f"{', '.join(twice)}: give all its values in one --set")
    if not found:
        raise InputError(f"nothing to vary: say what with {_SET_EXAMPLE}")
    return tuple(found)


def parse_overrides(sets: Sequence[str]) -> Overrides:
    """Return the one value of each path that ``--set`` gives to a backtest.

    Raises
    ------
    InputError
        If one of them can't be understood, or a path has several values.
    """
    found = parse_parameters(sets, ()) if sets else ()
    several = [one.path for one in found if len(one.values or ()) != 1]
    if several:
        raise InputError(
            f"{', '.join(several)}: a backtest takes one value; `ktrdr sweep` tries "
            "several"
        )
    return {one.path: (one.values or (None,))[0] for one in found}


def _set(text: str) -> Parameter:
    path, values = _halves(text, "--set", _SET_EXAMPLE)
    found = [value for item in _items(values) for value in _values(text, item)]
    return _parameter(text, path=path, values=tuple(found))


def _range(text: str) -> Parameter:
    path, limits = _halves(text, "--range", _RANGE_EXAMPLE)
    low, *rest = limits.split(":")
    high, *words = rest or [""]
    if set(words) - {"log", "int"}:
        raise InputError(f"--range {text}: after the limits go log and int alone")
    return _parameter(
        text,
        path=path,
        low=_number(text, low),
        high=_number(text, high),
        is_log="log" in words,
        is_integer="int" in words,
    )


def _halves(text: str, option: str, example: str) -> tuple[str, str]:
    path, equals, values = (part.strip() for part in text.partition("="))
    if not (path and equals and values):
        raise InputError(f"{option} {text}: expected such as {example}")
    return path, values


def _items(text: str) -> list[str]:
    # Quotes keep a comma within a value.
    return next(csv.reader([text], skipinitialspace=True, quotechar="'"))


def _values(text: str, item: str) -> Iterator[ParameterValue]:
    from ktrdr.strategy import ScalarError, parse_scalar

    if ".." in item:
        yield from _steps(text, item)
        return
    try:
        yield parse_scalar(item.strip())
    except ScalarError as error:
        raise InputError(f"--set {text}: {error}") from None


def _steps(text: str, item: str) -> Iterator[int | float]:
    limits = item.split("..")
    if len(limits) not in (2, 3):
        raise InputError(f"--set {text}: a range is such as 5..20 or 0.1..0.5..0.1")
    # Decimal, as 0.1 + 0.2 is not 0.3 in binary.
    first, last, *rest = (_decimal(text, limit) for limit in limits)
    step = rest[0] if rest else Decimal(1)
    if step <= 0 or last < first:
        raise InputError(
            f"--set {text}: {item} must go upwards, by a step greater than 0"
        )
    if (last - first) / step >= _MOST_VALUES:
        raise InputError(f"--set {text}: more than {_MOST_VALUES:,} values")
    count = int((last - first) / step) + 1
    is_whole = first == int(first) and step == int(step)
    for number in range(count):
        value = first + number * step
        yield int(value) if is_whole else float(value)


def _number(text: str, limit: str) -> float:
    try:
        return float(limit)
    except ValueError:
        raise InputError(
            f"--range {text}: {limit!r} is no number; expected such as {_RANGE_EXAMPLE}"
        ) from None


def _decimal(text: str, limit: str) -> Decimal:
    try:
        value = Decimal(limit.strip())
    except InvalidOperation:
        raise InputError(f"--set {text}: {limit!r} is no number") from None
    if not (value.is_finite() and abs(value.adjusted()) < _MOST_DIGITS):
        raise InputError(f"--set {text}: {limit!r} is no number of a usual size")
    return value


def _parameter(text: str, **fields: object) -> Parameter:
    from pydantic import ValidationError

    try:
        return Parameter.model_validate(fields)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise InputError(f"{text}: {reason}") from None
