"""Generated inputs for simulators, and what every result has to obey."""

import numpy as np
from hypothesis import strategies as st

from ktrdr.backtesting import Simulation, Trades
from ktrdr.data import Bars
from ktrdr.strategy import (
    BacktestSpec,
    CostsSpec,
    FractionSizing,
    RiskSizing,
    Sizing,
    StopsSpec,
    UnitsSizing,
    VolatilitySizing,
)
from ktrdr.typing import TargetArray
from tests.builders import bars_from_rows, random_bars

INTEGER_COLUMNS = ("entry_bar", "exit_bar", "exit_reason", "is_ambiguous")


def coarse_bars() -> st.SearchStrategy[Bars]:
    """Few distinct prices, so that levels, openings and extremes often coincide."""
    price = st.integers(90, 110).map(float)
    rows = st.tuples(price, price, price, price).map(
        lambda p: (p[0], max(p), min(p), p[1])
    )
    return st.lists(rows, min_size=6, max_size=30).map(bars_from_rows)


def walking_bars() -> st.SearchStrategy[Bars]:
    return st.builds(
        random_bars,
        st.sampled_from([100, 300, 20, 3, 2, 1]),
        seed=st.integers(0, 2**32 - 1),
        volatility=st.sampled_from([0.0005, 0.005, 0.05]),
        gap_volatility=st.sampled_from([0.0, 0.002, 0.03]),
    )


def any_bars() -> st.SearchStrategy[Bars]:
    return st.one_of(coarse_bars(), walking_bars())


def targets_for(n_bars: int) -> st.SearchStrategy[TargetArray]:
    """Targets that last for a while, and targets that change at every bar."""
    seeds = st.integers(0, 2**32 - 1)
    changes = st.sampled_from([0.2, 1.0, 0.05])
    return st.builds(lambda seed, rate: _targets(n_bars, seed, rate), seeds, changes)


def _targets(n_bars: int, seed: int, change_rate: float) -> TargetArray:
    rng = np.random.default_rng(seed)
    values = rng.integers(-1, 2, n_bars).astype(np.int8)
    is_change = rng.random(n_bars) < change_rate
    last_change = np.maximum.accumulate(np.where(is_change, np.arange(n_bars), 0))
    return values[last_change]


def costs() -> st.SearchStrategy[CostsSpec]:
    return st.builds(
        CostsSpec,
        commission_rate=st.sampled_from([0.0, 0.001, 0.02]),
        commission_per_unit=st.sampled_from([0.0, 0.005, 0.5]),
        commission_minimum=st.sampled_from([0.0, 0.0, 1.0, 2_000.0]),
        spread_rate=st.sampled_from([0.0, 0.0002, 0.01]),
        slippage_rate=st.sampled_from([0.0, 0.0001, 0.02]),
    )


def stops() -> st.SearchStrategy[StopsSpec]:
    distances = st.sampled_from([None, 0.002, 0.01, 0.03, 0.1])
    return st.builds(
        StopsSpec,
        stop_loss=distances,
        take_profit=st.sampled_from([None, 0.002, 0.01, 0.05, 1.5]),
        trailing_stop=distances,
    )


def sizings(has_stop: bool) -> st.SearchStrategy[Sizing]:
    kinds: list[st.SearchStrategy[Sizing]] = [
        st.builds(
            FractionSizing,
            type=st.just("fraction"),
            fraction=st.sampled_from([0.1, 1.0, 3.0, 60.0]),
        ),
        st.builds(
            UnitsSizing,
            type=st.just("units"),
            units=st.sampled_from([0.3, 10.0, 30_000.0]),
        ),
        st.builds(
            VolatilitySizing,
            type=st.just("volatility_target"),
            target=st.sampled_from([0.05, 0.5]),
            lookback=st.sampled_from([2, 5, 40]),
            max_fraction=st.sampled_from([0.5, 2.0]),
        ),
    ]
    if has_stop:
        kinds.append(
            st.builds(
                RiskSizing,
                type=st.just("risk"),
                risk=st.sampled_from([0.001, 0.02]),
                max_fraction=st.sampled_from([0.5, 5.0]),
            )
        )
    return st.one_of(kinds)


@st.composite
def specs(draw: st.DrawFn) -> BacktestSpec:
    drawn_stops = draw(stops())
    return BacktestSpec(
        costs=draw(costs()),
        sizing=draw(sizings(drawn_stops.stop_loss is not None)),
        stops=drawn_stops,
        lot_step=draw(st.sampled_from([0.0, 0.0, 0.1, 1.0, 70.0])),
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Bars, TargetArray, BacktestSpec, bool]:
    bars = draw(any_bars())
    targets = draw(targets_for(len(bars)))
    return bars, targets, draw(specs()), draw(st.booleans())


def assert_same(actual: Simulation, expected: Simulation) -> None:
    """Whole numbers equal; money within 1e-9 of the money that was moved."""
    assert actual.is_ruined == expected.is_ruined
    for name in Trades.columns():
        found, wanted = getattr(actual.trades, name), getattr(expected.trades, name)
        if name in INTEGER_COLUMNS:
            np.testing.assert_array_equal(found, wanted, err_msg=name)
        elif name != "profit":
            np.testing.assert_allclose(found, wanted, rtol=1e-9, err_msg=name)
    scale = 1e-9 * moved_money(expected)
    np.testing.assert_allclose(actual.trades.profit, expected.trades.profit, atol=scale)
    np.testing.assert_allclose(actual.position, expected.position, rtol=1e-9)
    np.testing.assert_allclose(actual.equity, expected.equity, rtol=1e-9, atol=scale)


def moved_money(simulation: Simulation) -> float:
    """Largest sum that was held or paid: what rounding errors are measured by."""
    values = np.abs(simulation.trades.size * simulation.trades.entry_price)
    return float(max(values.max(initial=0), np.abs(simulation.equity).max(initial=0)))
