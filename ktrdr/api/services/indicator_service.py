"""Indicators: the catalogue, and values on stored bars."""

from typing import TYPE_CHECKING

from ktrdr.errors import InputError, TooLargeError
from ktrdr.schemas import (
    CalculateRequest,
    IndicatorDetail,
    IndicatorSummary,
    IndicatorValues,
)

if TYPE_CHECKING:
    from ktrdr.data import Bars
    from ktrdr.indicators import IndicatorUse
    from ktrdr.storage import ArtifactStore

# Bars times periods: some indicators look at each bar's whole window, which takes
# them some nanoseconds a bar of it. This is a few seconds.
_MOST_WORK = 500_000_000


def list_indicators(search: str, group: str | None) -> list[IndicatorSummary]:
    """Return the indicators with ``search`` in name or title."""
    from ktrdr.indicators import indicator_summary, search_indicators

    return [indicator_summary(one) for one in search_indicators(search, group)]


def show_indicator(name: str) -> IndicatorDetail:
    """Return what an indicator takes and gives, and when it is known."""
    from ktrdr.indicators import find_indicator, indicator_detail

    return indicator_detail(find_indicator(name))


def calculate(store: "ArtifactStore", request: CalculateRequest) -> IndicatorValues:
    """Return an indicator's values on stored bars, calculated from the first one."""
    from ktrdr.data import (
        BarStore,
        choose_snapshot,
        from_iso,
        none_for_nan,
        time_texts,
    )
    from ktrdr.indicators import compute_indicator, warm_up

    use = _use(request)
    bar_store = BarStore(store)
    start = None if request.start is None else from_iso(request.start)
    end = None if request.end is None else from_iso(request.end)
    snapshot = choose_snapshot(bar_store, request.symbol, request.timeframe)
    bars = bar_store.load(snapshot).between(None, end)
    _refuse_too_much(use, bars)
    outputs = compute_indicator(use, bars)
    first = 0 if start is None else int(bars.time.searchsorted(start))
    rows = slice(max(first, len(bars) - request.last), None)
    return IndicatorValues(
        symbol=snapshot.symbol,
        timeframe=snapshot.timeframe.value,
        snapshot=snapshot.digest,
        type=use.type,
        parameters=_all_parameters(use),
        warm_up=warm_up(use),
        time=tuple(time_texts(bars.time[rows])),
        outputs={name: none_for_nan(values[rows]) for name, values in outputs.items()},
    )


def _use(request: CalculateRequest) -> "IndicatorUse":
    from pydantic import ValidationError

    from ktrdr.indicators import IndicatorUse

    try:
        return IndicatorUse(type=request.type, parameters=request.parameters)
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        where = ".".join(str(step)[:64] for step in found["loc"])
        message = found["msg"].removeprefix("Value error, ")
        raise InputError(f"{where}: {message}") from None


def _all_parameters(use: "IndicatorUse") -> dict[str, int | float | str]:
    from ktrdr.indicators import find_indicator

    return {**find_indicator(use.type).defaults, **use.parameters}


def _refuse_too_much(use: "IndicatorUse", bars: "Bars") -> None:
    periods = [one for one in _all_parameters(use).values() if isinstance(one, int)]
    work = len(bars) * max(sum(periods), 1)
    if work > _MOST_WORK:
        raise TooLargeError(
            f"{len(bars):,} bars times periods of {sum(periods):,} are more than "
            f"{_MOST_WORK:,}; give shorter periods, an earlier `to` or a longer "
            "timeframe"
        )
