import numpy as np
import pytest

from ktrdr.backtesting import Market, simulate
from ktrdr.backtesting.sensitivity import (
    COST_MULTIPLES,
    cost_sensitivity,
    optimistic_twin,
    scaled_costs,
)
from ktrdr.strategy import BacktestSpec, CostsSpec, StopsSpec
from tests.builders import bars_from_rows, random_bars

COSTS = CostsSpec(
    commission_rate=0.0001,
    commission_per_unit=0.002,
    commission_minimum=0.5,
    spread_rate=0.0003,
    slippage_rate=0.0001,
)


def points_of(spec, seed=0):
    bars = random_bars(300, seed=seed)
    targets = np.tile([1, 1, 1, 0, -1, -1], 50).astype(np.int8)
    market = Market.of(bars, slice(0, 300), spec)
    return cost_sensitivity(market, targets, spec), bars, targets


def test_one_times_the_costs_is_the_backtest_itself():
    spec = BacktestSpec(costs=COSTS)
    points, bars, targets = points_of(spec)
    assert [point.multiple for point in points] == list(COST_MULTIPLES)
    equity = simulate(bars, targets, spec).equity
    assert points[1].total_return == pytest.approx(equity[-1] / 100_000 - 1)


def test_no_costs_at_all_at_zero_times():
    points, bars, targets = points_of(BacktestSpec(costs=COSTS))
    free = simulate(bars, targets, BacktestSpec()).equity
    assert points[0].total_return == pytest.approx(free[-1] / 100_000 - 1)


def test_more_costs_never_help_trades_without_stops():
    points, _, _ = points_of(BacktestSpec(costs=COSTS), seed=5)
    returns = [point.total_return for point in points]
    assert returns == sorted(returns, reverse=True)


def test_every_cost_is_scaled():
    scaled = scaled_costs(COSTS, 4.0)
    for name, value in COSTS.model_dump().items():
        assert getattr(scaled, name) == pytest.approx(4 * value)


def test_a_multiple_at_which_a_sale_fetches_nothing_is_left_out():
    points, _, _ = points_of(BacktestSpec(costs=CostsSpec(spread_rate=0.6)))
    assert [point.multiple for point in points] == [0.0, 1.0, 2.0]


def test_the_optimistic_twin_takes_the_target_in_a_bar_that_touched_both():
    bars = bars_from_rows(
        [(100, 100, 100, 100), (100, 100, 100, 100), (100, 120, 80, 100)]
        + [(100, 100, 100, 100)] * 2
    )
    spec = BacktestSpec(stops=StopsSpec(stop_loss=0.1, take_profit=0.1))
    market = Market.of(bars, slice(0, 5), spec)
    found = optimistic_twin(market, np.ones(5, np.int8), spec)
    assert found["total_return"] == pytest.approx(0.1)
    assert found["n_trades"] == 1.0
    pessimistic = simulate(bars, np.ones(5, np.int8), spec)
    assert pessimistic.equity[-1] == pytest.approx(90_000)
    assert pessimistic.trades.is_ambiguous.tolist() == [True]
