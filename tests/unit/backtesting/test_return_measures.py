import math

import numpy as np
import pytest

from ktrdr.backtesting.return_measures import (
    annual_return,
    calmar,
    drawdown_of,
    longest_drawdown,
    max_drawdown,
    return_measures,
    returns_of,
    sharpe,
    sortino,
    total_return,
    volatility,
    wealth_of,
    years_of,
)
from ktrdr.data import Timeframe, sample_bars
from tests.builders import bars_from_rows, random_bars

HOURS_PER_YEAR = 365.25 * 24


def slow_measures(equity, initial_cash, years):
    returns, before = [], initial_cash
    for value in equity:
        returns.append(value / before - 1)
        before = value
    n = len(returns)
    mean = sum(returns) / n
    deviation = math.sqrt(sum((r - mean) ** 2 for r in returns) / (n - 1))
    downside = math.sqrt(sum(min(r, 0) ** 2 for r in returns) / n)
    peak, deepest = initial_cash, 0.0
    for value in equity:
        peak = max(peak, value)
        deepest = min(deepest, value / peak - 1)
    annual = (equity[-1] / initial_cash) ** (1 / years) - 1
    root = math.sqrt(n / years)
    return {
        "total_return": equity[-1] / initial_cash - 1,
        "annual_return": annual,
        "volatility": deviation * root,
        "sharpe": mean / deviation * root,
        "sortino": mean / downside * root,
        "calmar": annual / -deepest,
        "max_drawdown": deepest,
    }


def slow_longest_drawdown(drawdown, bars):
    best, best_hours, run = 0, 0.0, 0
    for i, depth in enumerate(drawdown):
        run = run + 1 if depth < 0 else 0
        if run > best:
            first = i - run + 1
            peak = bars.close_time[first - 1] if first else bars.time[0]
            best = run
            best_hours = (bars.close_time[i] - peak) / np.timedelta64(1, "h")
    return best, best_hours


@pytest.mark.parametrize("seed", range(20))
def test_measures_equal_plain_loops(seed):
    rng = np.random.default_rng(seed)
    equity = 1000 * np.exp(np.cumsum(rng.normal(0.0002, 0.01, 300)))
    found = return_measures(returns_of(equity, 1000.0), equity / 1000.0, 0.7)
    expected = slow_measures(equity.tolist(), 1000.0, 0.7)
    assert {name: float(value) for name, value in found.items()} == pytest.approx(
        expected, rel=1e-10
    )


def test_values_worked_out_by_hand():
    returns = returns_of(np.array([110.0, 99.0, 118.8]), 100.0)
    assert returns == pytest.approx([0.1, -0.1, 0.2])
    wealth = np.array([1.1, 0.99, 1.188])
    # Mean 1/15; squared deviations 1/900, 1/36 and 4/225 sum up to 42/900.
    deviation = math.sqrt(42 / 900 / 2)
    assert total_return(wealth) == pytest.approx(0.188)
    assert annual_return(wealth, 0.5) == pytest.approx(1.188**2 - 1)
    assert volatility(returns, 0.5) == pytest.approx(deviation * math.sqrt(6))
    assert sharpe(returns, 0.5) == pytest.approx(1 / 15 / deviation * math.sqrt(6))
    downside = math.sqrt(0.01 / 3)
    assert sortino(returns, 0.5) == pytest.approx(1 / 15 / downside * math.sqrt(6))
    assert max_drawdown(wealth) == pytest.approx(-0.1)
    assert calmar(wealth, 0.5) == pytest.approx((1.188**2 - 1) / 0.1)


def test_a_loss_in_the_first_bar_is_a_drawdown_from_the_initial_cash():
    assert drawdown_of(np.array([0.9, 0.95, 1.2, 0.6])) == pytest.approx(
        [-0.1, -0.05, 0.0, -0.5]
    )


def test_a_year_is_calendar_time_whatever_the_market_keeps_closed():
    assert years_of(random_bars(8766)) == pytest.approx(1.0)
    bars = sample_bars()
    n_per_year = len(bars) / years_of(bars)
    # A market that closes for weekends has fewer hours than the calendar.
    assert 6100 < n_per_year < 6300
    assert n_per_year < HOURS_PER_YEAR


def test_sharpe_does_not_depend_on_the_timeframe_of_the_same_returns():
    rng = np.random.default_rng(3)
    hourly = rng.normal(1e-4, 1e-3, 24 * 400)
    daily = np.log1p(hourly).reshape(400, 24).sum(axis=1)
    years = 400 / 365.25
    assert sharpe(np.expm1(daily), years) == pytest.approx(
        float(sharpe(hourly, years)), rel=0.1
    )


@pytest.mark.parametrize("level", [0.0, 0.001, -0.003])
def test_ratios_are_undefined_where_returns_do_not_vary(level):
    returns = np.full(50, level)
    assert np.isnan(sharpe(returns, 1.0))
    if level >= 0:
        assert np.isnan(sortino(returns, 1.0))
        assert np.isnan(calmar(wealth_of(returns), 1.0))


def test_one_bar_has_no_volatility():
    assert np.isnan(volatility(np.array([0.1]), 1.0))
    assert np.isnan(sharpe(np.array([0.1]), 1.0))


def test_an_annual_return_too_large_for_a_number_is_undefined():
    assert np.isnan(annual_return(np.array([3.0]), 1e-6))


def test_nothing_is_earned_after_a_ruin():
    equity = np.array([90.0, -20.0, -20.0, 50.0])
    returns = returns_of(equity, 100.0)
    assert returns == pytest.approx([-0.1, -20 / 90 - 1, 0.0, 0.0])
    assert wealth_of(returns) == pytest.approx([0.9, -0.2, -0.2, -0.2])
    assert annual_return(equity / 100.0, 0.3)[()] == pytest.approx(0.5 ** (1 / 0.3) - 1)
    assert annual_return(wealth_of(returns), 0.3) == pytest.approx(-1.0)


def test_equity_of_exactly_nothing_gives_finite_returns():
    returns = returns_of(np.array([100.0, 0.0, 0.0]), 100.0)
    assert returns == pytest.approx([0.0, -1.0, 0.0])


def test_many_curves_at_once_are_measured_like_each_alone():
    rng = np.random.default_rng(5)
    returns = rng.normal(0, 0.02, (7, 60))
    returns[3, 10] = -1.5
    together = return_measures(returns, wealth_of(returns), 0.4)
    for row, alone in enumerate(returns):
        expected = return_measures(alone, wealth_of(alone), 0.4)
        for name, value in expected.items():
            assert together[name][row] == pytest.approx(float(value), nan_ok=True)


def test_wealth_and_returns_are_each_others_inverse():
    rng = np.random.default_rng(6)
    returns = rng.normal(0, 0.02, 200)
    assert returns_of(wealth_of(returns) * 50, 50.0) == pytest.approx(returns)


@pytest.mark.parametrize("seed", range(20))
def test_longest_drawdown_equals_a_plain_loop(seed):
    bars = random_bars(200, seed=seed)
    rng = np.random.default_rng(seed)
    drawdown = drawdown_of(np.exp(np.cumsum(rng.normal(0, 0.01, 200))))
    found = longest_drawdown(drawdown, bars)
    assert found == pytest.approx(slow_longest_drawdown(drawdown, bars))


def test_the_longest_drawdown_counts_calendar_time_over_a_gap():
    bars = bars_from_rows([(1, 1, 1, 1)] * 6, timeframe=Timeframe.D1)
    late = np.array(bars.time)
    late[3:] += np.timedelta64(2, "D")
    bars = type(bars)(**{**vars(bars), "time": late})
    drawdown = np.array([0.0, -0.1, -0.2, -0.1, 0.0, 0.0])
    # Three closes below the peak; from Monday's close to that three days and two on.
    assert longest_drawdown(drawdown, bars) == pytest.approx((3, 5 * 24))


def test_without_a_drawdown_its_length_is_nothing():
    assert longest_drawdown(np.zeros(4), random_bars(4)) == (0, 0.0)
