import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrdr.backtesting import Market, simulate
from ktrdr.backtesting.nulls import Schedule, buy_and_hold, random_entries
from ktrdr.backtesting.trade_measures import holding_bars
from ktrdr.progress import NoProgress
from ktrdr.strategy import (
    BacktestSpec,
    CostsSpec,
    StopsSpec,
    UnitsSizing,
)
from tests.builders import bars_from_rows, random_bars
from tests.unit.backtesting.simulations import targets_for

COSTS = CostsSpec(commission_rate=0.0002, spread_rate=0.0004, slippage_rate=0.0001)


def market_of(bars, spec=None):
    return Market.of(bars, slice(0, len(bars)), spec or BacktestSpec())


def null_of(bars, targets, spec, *, n_runs=200, seed=0):
    return random_entries(
        simulate(bars, targets, spec),
        market_of(bars, spec),
        targets,
        spec,
        n_runs=n_runs,
        rng=np.random.default_rng(seed),
        progress=NoProgress(),
    )


def is_turned(sides, others):
    """Whether one is the other, begun somewhere else."""
    return any((np.roll(sides, n) == others).all() for n in range(len(sides)))


class TestRandomTargets:
    @settings(max_examples=60, deadline=None)
    @given(st.data(), st.integers(0, 1000))
    def test_ask_as_often_for_as_long_on_the_same_sides(self, data, seed):
        bars = random_bars(120, seed=seed)
        targets = data.draw(targets_for(120))
        made = simulate(bars, targets, BacktestSpec()).trades
        if not len(made):
            return
        schedule, rng = Schedule.of(made, targets), np.random.default_rng(seed)
        for _ in range(3):
            found = simulate(bars, schedule.draw(rng), BacktestSpec()).trades
            assert len(found) == len(made)
            assert is_turned(np.sign(found.size), np.sign(made.size))
            for side in (-1, 1):
                lengths = [
                    sorted(holding_bars(one)[np.sign(one.size) == side].tolist())
                    for one in (found, made)
                ]
                assert lengths[0] == lengths[1]

    @settings(max_examples=40, deadline=None)
    @given(st.data(), st.integers(0, 1000))
    def test_a_stopped_trade_keeps_the_time_its_signal_asked_for(self, data, seed):
        bars = random_bars(120, seed=seed)
        targets = data.draw(targets_for(120))
        spec = BacktestSpec(stops=StopsSpec(stop_loss=0.004, take_profit=0.006))
        stopped = simulate(bars, targets, spec).trades
        if not len(stopped):
            return
        whole = simulate(bars, targets, BacktestSpec()).trades
        first, second = (Schedule.of(one, targets) for one in (stopped, whole))
        assert first.lengths.tolist() == second.lengths.tolist()
        assert first.sides.tolist() == second.sides.tolist()

    @pytest.mark.parametrize(
        "targets",
        [
            [0, 1, 1, 0, 0, 0, 0],
            [1, 0, 1, 1, 0, 1, 0],
            [1, 1, -1, 1, -1, -1, 0],
            [0, -1, 0, -1, -1, 0, 1],
            [1, 1, 1, 1, 1, 1, 1],
            [1, 0, -1, 1, -1, 1, 1],
            [1, 0, 1, -1, -1, 0, -1],
        ],
    )
    def test_the_number_of_placements_is_that_of_all_that_are_ever_drawn(self, targets):
        targets = np.array(targets, np.int8)
        made = simulate(random_bars(7), targets, BacktestSpec()).trades
        schedule, rng = Schedule.of(made, targets), np.random.default_rng(0)
        drawn = {tuple(schedule.draw(rng)[:-1].tolist()) for _ in range(3000)}
        assert math.exp(schedule.log_placements) == pytest.approx(len(drawn))

    def test_every_placement_of_one_trade_is_equally_likely(self):
        bars = random_bars(8)
        # Held in bars 2 to 4: of bars 1 to 7 there are five such places.
        targets = np.array([0, 1, 1, 1, 0, 0, 0, 0], np.int8)
        made = simulate(bars, targets, BacktestSpec()).trades
        schedule, rng = Schedule.of(made, targets), np.random.default_rng(0)
        starts = [int(np.flatnonzero(schedule.draw(rng))[0]) for _ in range(5000)]
        assert np.bincount(starts) == pytest.approx(np.full(5, 1000), rel=0.15)

    def test_every_placement_of_two_trades_is_equally_likely(self):
        bars = random_bars(8)
        targets = np.array([1, 1, 0, 1, 0, 0, 0, 0], np.int8)
        made = simulate(bars, targets, BacktestSpec()).trades
        schedule, rng = Schedule.of(made, targets), np.random.default_rng(1)
        drawn = [tuple(schedule.draw(rng).tolist()) for _ in range(6000)]
        counts = [drawn.count(one) for one in set(drawn)]
        # One long of two bars, one of one, a free bar between, three more to place
        # in three gaps: 10 ways, in two orders.
        assert len(counts) == 20
        assert counts == pytest.approx([300] * 20, rel=0.25)

    def test_the_order_of_sides_begins_with_each_trade_equally_often(self):
        targets = np.zeros(60, np.int8)
        targets[[5, 10, 20, 40]] = 1, 1, 1, -1
        made = simulate(random_bars(60), targets, BacktestSpec()).trades
        schedule, rng = Schedule.of(made, targets), np.random.default_rng(0)
        drawn = (schedule.draw(rng) for _ in range(4000))
        place = [np.flatnonzero(one[one != 0] == -1)[0] for one in drawn]
        assert np.bincount(place) == pytest.approx(np.full(4, 1000), rel=0.1)

    def test_a_strategy_that_is_always_in_the_market_can_be_shuffled(self):
        bars = random_bars(50)
        targets = np.repeat([1, -1, 1, -1, 1], 10).astype(np.int8)
        targets[10:14] = 1
        made = simulate(bars, targets, BacktestSpec()).trades
        schedule, rng = Schedule.of(made, targets), np.random.default_rng(0)
        drawn = {tuple(schedule.draw(rng).tolist()) for _ in range(50)}
        assert len(drawn) > 1
        for one in drawn:
            assert 0 not in one[:-1]


class TestRandomEntries:
    def test_knowing_the_future_is_not_chance(self):
        bars = random_bars(400, seed=1)
        ahead = np.zeros(400, np.int8)
        ahead[:-2] = np.sign(bars.open[2:] - bars.open[1:-1]).astype(np.int8)
        ahead[::3] = 0
        null = null_of(bars, ahead, BacktestSpec(costs=COSTS))
        assert null.p_value == pytest.approx(1 / 201)
        assert null.low_return < null.median_return < null.high_return

    def test_chance_gives_p_values_that_are_spread_evenly(self):
        rng = np.random.default_rng(2)
        p_values = []
        for seed in range(60):
            bars = random_bars(150, seed=100 + seed)
            targets = np.repeat(rng.integers(-1, 2, 30), 5).astype(np.int8)
            spec = BacktestSpec(costs=COSTS, stops=StopsSpec(stop_loss=0.01))
            p_values.append(null_of(bars, targets, spec, n_runs=100, seed=seed).p_value)
        # Uniform: mean 0.5 with standard error 0.037, a tenth in each tenth.
        assert np.mean(p_values) == pytest.approx(0.5, abs=0.12)
        assert 0.0 < np.mean(np.array(p_values) < 0.2) < 0.4

    @pytest.mark.parametrize("side", [1, -1])
    def test_fading_or_following_moves_at_random_prices_looks_like_chance(self, side):
        p_values = []
        for seed in range(40):
            bars = random_bars(400, seed=500 + seed, gap_volatility=0.0)
            move = np.append(np.zeros(10), np.log(bars.close[10:] / bars.close[:-10]))
            is_large = np.abs(move) > 0.01
            targets = (side * np.sign(move) * is_large).astype(np.int8)
            null = null_of(bars, targets, BacktestSpec(), n_runs=50, seed=seed)
            p_values.append(null.p_value)
        # Uniform: mean 0.5 with standard error 0.046.
        assert np.mean(p_values) == pytest.approx(0.5, abs=0.1)

    def test_a_period_that_rises_and_falls_does_not_make_the_random_trades_lose(self):
        rows = [100 + i for i in range(100)] + [200 - i for i in range(100)]
        bars = bars_from_rows([(one, one, one, one) for one in rows])
        # Shorts while it rises, longs while it falls: 20 of each, all losing.
        targets = np.tile([1, 0, 0, 0, 0], 40).astype(np.int8)
        targets[:100] *= -1
        null = null_of(bars, targets, BacktestSpec(), n_runs=500)
        assert null.low_return < -0.05
        assert null.high_return > 0.05
        assert null.median_return == pytest.approx(0, abs=0.05)

    def test_costs_are_paid_by_the_random_trades_too(self):
        bars = random_bars(300, seed=3)
        targets = np.tile([1, 1, 0, -1, -1, 0], 50).astype(np.int8)
        free = null_of(bars, targets, BacktestSpec())
        dear = null_of(bars, targets, BacktestSpec(costs=CostsSpec(spread_rate=0.002)))
        assert dear.median_return < free.median_return - 0.1

    def test_same_seed_same_comparison(self):
        bars = random_bars(200, seed=4)
        targets = np.tile([1, 0, -1, 0], 50).astype(np.int8)
        spec = BacktestSpec()
        assert null_of(bars, targets, spec) == null_of(bars, targets, spec)
        assert null_of(bars, targets, spec) != null_of(bars, targets, spec, seed=1)

    def test_without_trades_there_is_nothing_to_compare(self):
        bars = random_bars(20)
        assert null_of(bars, np.zeros(20, np.int8), BacktestSpec()) is None

    def test_trades_that_fill_the_period_can_not_be_placed_at_random(self):
        bars = random_bars(30)
        assert null_of(bars, np.ones(30, np.int8), BacktestSpec()) is None
        few = np.repeat([1, -1, 1], 10).astype(np.int8)
        assert null_of(bars, few, BacktestSpec()) is None
        more = np.where(np.arange(30) < 20, 0, 1).astype(np.int8)
        assert null_of(bars, more, BacktestSpec()) is not None


def test_buy_and_hold_pays_its_costs_once_each_way():
    bars = bars_from_rows([(9, 9, 9, 9), (10, 12, 10, 12), (13, 15, 12, 15)])
    spec = BacktestSpec(
        initial_cash=1000.0,
        costs=CostsSpec(spread_rate=0.02, slippage_rate=0.01),
        sizing=UnitsSizing(type="units", units=3.0),
        stops=StopsSpec(stop_loss=0.01, take_profit=0.01),
    )
    units = 1000 / (10 * 1.02)
    expected = units * 15 * 0.98 / 1000 - 1
    equity = buy_and_hold(market_of(bars, spec), spec).equity
    assert equity[-1] / 1000 - 1 == pytest.approx(expected)
    cash_left = 1000 - units * 10 * 1.02
    assert equity == pytest.approx(
        [1000, cash_left + units * 12, 1000 * (1 + expected)]
    )
