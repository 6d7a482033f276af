"""Where ktrdr's time goes: the stages of one run, each timed by itself."""

import statistics
import time
from collections.abc import Callable
from typing import TypeVar

from benchmarks.ktrdr_contestant import (
    SPECS,
    bars_of,
    cross_targets,
)
from benchmarks.work import Work, given_targets, make_prices
from ktrdr.backtesting import equity_statistics, years_of
from ktrdr.backtesting.accounts import settle
from ktrdr.backtesting.kernel import draw_equity, price_trades
from ktrdr.backtesting.orders import checked_targets, find_runs
from ktrdr.data import Bars

STAGES = ("signals", "orders", "prices and exits", "money", "equity", "statistics")

Value = TypeVar("Value")


class _Watch:
    """Processor seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {stage: [] for stage in STAGES}

    def time(self, stage: str, step: Callable[[], Value]) -> Value:
        start = time.process_time()
        value = step()
        self.seconds[stage].append(time.process_time() - start)
        return value


def stage_seconds(work: Work, n_bars: int, rounds: int) -> dict[str, float]:
    """Return the median processor seconds of each stage; of W3, those of one pair."""
    bars = bars_of(make_prices(n_bars))
    watch = _Watch()
    for _ in range(rounds):
        _run(bars, work.name, watch)
    return {
        stage: statistics.median(seconds) for stage, seconds in watch.seconds.items()
    }


def _run(bars: Bars, work: str, watch: _Watch) -> None:
    """Do what ``simulate`` and ``equity_statistics`` do, one stage after the other."""
    spec = SPECS[work]
    given = given_targets(len(bars)) if work == "W4" else None
    targets = watch.time(
        "signals", lambda: cross_targets(bars) if given is None else given
    )
    runs = watch.time("orders", lambda: find_runs(checked_targets(targets, len(bars))))
    trades = watch.time(
        "prices and exits", lambda: price_trades(bars, runs, spec, optimistic=False)
    )
    account = watch.time("money", lambda: settle(trades, spec))
    equity, _ = watch.time("equity", lambda: draw_equity(bars, account, spec))
    watch.time(
        "statistics",
        lambda: equity_statistics(
            equity, initial_cash=spec.initial_cash, years=years_of(bars)
        ),
    )
