"""Candle tables: bars and targets in rows, expected fills beside them.

A row reads ``open high low close target | fills``. A fill reads ``buy 100`` for an
entry, ``sell 98 stop_loss`` for an exit, with ``?`` if the bar is ambiguous.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ktrdr.backtesting import ExitReason, Simulation
from ktrdr.data import Bars
from ktrdr.strategy import BacktestSpec, CostsSpec, StopsSpec, UnitsSizing
from ktrdr.typing import TargetArray
from tests.builders import bars_from_rows

Simulator = Callable[..., Simulation]


@dataclass(frozen=True, kw_only=True)
class Candles:
    bars: Bars
    targets: TargetArray
    fills: list[str]


def candles(table: str) -> Candles:
    rows, targets, fills = [], [], []
    for line in table.strip().splitlines():
        numbers, _, expected = line.partition("|")
        open_, high, low, close, target = map(float, numbers.split())
        rows.append((open_, high, low, close))
        targets.append(int(target))
        fills.append(" ".join(expected.split()))
    return Candles(
        bars=bars_from_rows(rows), targets=np.array(targets, np.int8), fills=fills
    )


def fills_by_bar(simulation: Simulation, n_bars: int) -> list[str]:
    trades = simulation.trades
    fills: list[list[str]] = [[] for _ in range(n_bars)]
    for k in range(len(trades)):
        sides = ("buy", "sell") if trades.size[k] > 0 else ("sell", "buy")
        fills[trades.entry_bar[k]].append(f"{sides[0]} {trades.entry_price[k]:.6g}")
        reason = ExitReason(int(trades.exit_reason[k])).name.lower()
        mark = "?" if trades.is_ambiguous[k] else ""
        fills[trades.exit_bar[k]].append(
            f"{sides[1]} {trades.exit_price[k]:.6g} {reason}{mark}"
        )
    return [", ".join(of_bar) for of_bar in fills]


def check(
    simulator: Simulator,
    table: str,
    *,
    optimistic: bool = False,
    stops: StopsSpec | None = None,
    costs: CostsSpec | None = None,
) -> Simulation:
    """Compare fills of one unit a trade with those written in the table."""
    case = candles(table)
    spec = BacktestSpec(
        sizing=UnitsSizing(type="units", units=1.0),
        stops=stops or StopsSpec(),
        costs=costs or CostsSpec(),
    )
    result = simulator(case.bars, case.targets, spec, optimistic=optimistic)
    assert fills_by_bar(result, len(case.bars)) == case.fills
    return result
