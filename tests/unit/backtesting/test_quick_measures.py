import numpy as np
import pytest

from ktrdr.backtesting import measure, simulate
from ktrdr.backtesting.quick_measures import QuickMeasures
from ktrdr.strategy import BacktestSpec, CostsSpec, FractionSizing, StopsSpec
from tests.builders import random_bars
from tests.unit.backtesting.test_touches import random_targets


def both(bars, targets, spec):
    simulation = simulate(bars, targets, spec)
    quick = QuickMeasures(bars).measure(simulation, spec.initial_cash)
    return quick, measure(simulation, bars, spec.initial_cash)


def assert_equal(quick, slow):
    assert list(quick) == list(slow)
    for name, expected in slow.items():
        if expected is None:
            assert quick[name] is None, name
        else:
            assert quick[name] == pytest.approx(expected, rel=1e-12, abs=1e-12), name


@pytest.mark.parametrize("n_bars", [2, 3, 255, 256, 257, 1_000, 5_000])
@pytest.mark.parametrize("seed", range(5))
def test_quick_measures_are_the_measures(n_bars, seed):
    bars = random_bars(n_bars, seed=seed)
    spec = BacktestSpec(
        costs=CostsSpec(spread_rate=0.0002, commission_rate=0.0001),
        stops=StopsSpec(stop_loss=0.02),
    )
    assert_equal(*both(bars, random_targets(n_bars, seed), spec))


@pytest.mark.parametrize("targets", [np.zeros(300, np.int8), np.ones(300, np.int8)])
def test_no_trade_and_one_trade(targets):
    assert_equal(*both(random_bars(300), targets, BacktestSpec()))


def test_a_single_bar():
    assert_equal(*both(random_bars(1), np.zeros(1, np.int8), BacktestSpec()))


def test_a_curve_that_only_rises_has_no_drawdown():
    bars = random_bars(300, volatility=0.0, gap_volatility=0.0)
    slow = np.linspace(1, 2, 300)
    rising = type(bars)(
        symbol=bars.symbol,
        timeframe=bars.timeframe,
        time=bars.time,
        open=slow,
        high=slow,
        low=slow,
        close=slow,
        volume=bars.volume,
    )
    quick, expected = both(rising, np.ones(300, np.int8), BacktestSpec())
    assert_equal(quick, expected)
    assert quick["max_drawdown_bars"] == 0


def test_a_ruined_account():
    bars = random_bars(2_000, seed=1, volatility=0.05)
    sizing = FractionSizing(type="fraction", fraction=30)
    quick, expected = both(bars, random_targets(2_000, 1), BacktestSpec(sizing=sizing))
    assert expected["sharpe"] is None
    assert_equal(quick, expected)


def test_one_measurer_serves_many_simulations():
    bars = random_bars(700, seed=4)
    quick = QuickMeasures(bars)
    for seed in range(4):
        simulation = simulate(bars, random_targets(700, seed), BacktestSpec())
        assert_equal(
            quick.measure(simulation, 100_000.0), measure(simulation, bars, 100_000.0)
        )
