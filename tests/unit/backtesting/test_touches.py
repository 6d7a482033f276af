import numpy as np
import pytest

from ktrdr.backtesting import Trader, simulate
from ktrdr.strategy import BacktestSpec, CostsSpec, RiskSizing, StopsSpec
from tests.builders import bars_from_rows, random_bars

COSTS = CostsSpec(spread_rate=0.0004, slippage_rate=0.0001, commission_rate=0.0002)


def random_targets(n_bars: int, seed: int):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 30, n_bars)
    values = rng.integers(-1, 2, n_bars).astype(np.int8)
    return np.repeat(values, lengths)[:n_bars]


def same(found, expected):
    for column in expected.trades.columns():
        ours, theirs = (getattr(one.trades, column) for one in (found, expected))
        assert np.array_equal(ours, theirs), column
    assert np.array_equal(found.equity, expected.equity)
    assert found.is_ruined == expected.is_ruined


@pytest.mark.parametrize("seed", range(8))
def test_a_repeated_trader_gives_what_a_single_simulation_gives(seed):
    bars = random_bars(700, seed=seed)
    targets = random_targets(700, seed)
    trader = Trader(bars, targets, is_repeated=True)
    for stop in (None, 0.004, 0.01, 0.05):
        for target in (None, 0.003, 0.02):
            for trail in (None, 0.008):
                spec = BacktestSpec(
                    costs=COSTS,
                    stops=StopsSpec(
                        stop_loss=stop, take_profit=target, trailing_stop=trail
                    ),
                )
                for optimistic in (False, True):
                    same(
                        trader.simulate(spec, optimistic=optimistic),
                        simulate(bars, targets, spec, optimistic=optimistic),
                    )


def test_ruin_and_sizes_are_those_of_a_single_simulation():
    bars = random_bars(400, seed=5, volatility=0.05)
    targets = random_targets(400, 5)
    stops = StopsSpec(stop_loss=0.9)
    sizing = RiskSizing(type="risk", risk=0.99, max_fraction=20)
    spec = BacktestSpec(costs=COSTS, stops=stops, sizing=sizing)
    trader = Trader(bars, targets, is_repeated=True)
    same(trader.simulate(spec), simulate(bars, targets, spec))


def test_a_level_touched_exactly_counts_and_the_due_bar_does_not():
    bars = bars_from_rows(
        [
            (100, 100, 100, 100),
            (100, 101, 99.5, 100),
            (100, 100, 99, 99.5),  # the stop's price, exactly
            (100, 100, 90, 95),
            (95, 96, 94, 95),
        ]
    )
    spec = BacktestSpec(stops=StopsSpec(stop_loss=0.01))
    for targets, exit_bar in (([1, 1, 1, 0, 0], 2), ([1, 0, 0, 0, 0], 2)):
        wanted = np.array(targets, np.int8)
        found = Trader(bars, wanted, is_repeated=True).simulate(spec)
        same(found, simulate(bars, wanted, spec))
        assert found.trades.exit_bar.tolist() == [exit_bar]


def test_no_runs_are_no_trades():
    bars = random_bars(50)
    flat = np.zeros(50, np.int8)
    spec = BacktestSpec(stops=StopsSpec(stop_loss=0.01))
    assert not len(Trader(bars, flat, is_repeated=True).simulate(spec).trades)
