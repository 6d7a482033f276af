import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrdr.backtesting import equity_statistics
from ktrdr.backtesting.return_measures import max_drawdown, sharpe, wealth_of
from ktrdr.typing import FloatArray

YEARS = 3.5


def slow_statistics(equity: list[float], initial_cash: float) -> tuple[float, float]:
    """Sharpe ratio and drawdown, one bar after the other."""
    returns, peak, deepest = [], initial_cash, 0.0
    before = initial_cash
    for value in equity:
        returns.append(value / before - 1)
        peak = max(peak, value)
        deepest = min(deepest, value / peak - 1)
        before = value
    mean = math.fsum(returns) / len(returns)
    squares = math.fsum((value - mean) ** 2 for value in returns)
    if len(returns) < 2 or squares == 0:
        return math.nan, deepest
    deviation = math.sqrt(squares / (len(returns) - 1))
    return mean / deviation * math.sqrt(len(returns) / YEARS), deepest


def assert_equals_slow(equity: FloatArray, initial_cash: float = 100.0) -> None:
    result = equity_statistics(equity, initial_cash=initial_cash, years=YEARS)
    ratio, deepest = slow_statistics(equity.tolist(), initial_cash)
    assert result.sharpe == pytest.approx(ratio, rel=1e-7, nan_ok=True)
    assert result.max_drawdown == pytest.approx(deepest, abs=1e-14)
    assert result.total_return == pytest.approx(equity[-1] / initial_cash - 1)


def walk(n_bars: int, seed: int, drift: float) -> FloatArray:
    rng = np.random.default_rng(seed)
    equity: FloatArray = 100 * np.exp(np.cumsum(rng.normal(drift, 0.01, n_bars)))
    return equity


@pytest.mark.parametrize(
    "n_bars", [1, 2, 511, 512, 513, 32_768, 32_769, 32_770, 50_000]
)
@pytest.mark.parametrize("drift", [-0.0005, 0.0, 0.0005])
def test_equals_the_slow_twin(n_bars, drift):
    assert_equals_slow(walk(n_bars, seed=n_bars, drift=drift))


@given(st.lists(st.integers(1, 12).map(float), min_size=3, max_size=40))
def test_equals_the_slow_twin_on_coarse_curves(values):
    equity = np.repeat(np.array(values), 97)
    if len(set(values)) > 1:
        assert_equals_slow(equity, initial_cash=10.0)


def test_the_deepest_drawdown_may_cross_blocks():
    equity = np.full(5_000, 100.0)
    equity[700:], equity[2_900] = 200.0, 50.0
    result = equity_statistics(equity, initial_cash=100.0, years=YEARS)
    assert result.max_drawdown == -0.75


def test_a_block_whose_low_comes_before_its_peak_is_no_drawdown():
    result = equity_statistics(
        np.linspace(100, 900, 3_000), initial_cash=100.0, years=YEARS
    )
    assert result.max_drawdown == 0.0


@pytest.mark.parametrize("growth", [1.0, 1.5])
def test_returns_that_do_not_vary_have_no_sharpe_ratio(growth):
    equity = 100.0 * growth ** np.arange(1.0, 41.0)
    result = equity_statistics(equity, initial_cash=100.0, years=YEARS)
    assert math.isnan(result.sharpe)


def test_returns_that_hardly_vary_lose_no_digits():
    rng = np.random.default_rng(5)
    returns = 0.001 + rng.normal(0, 1e-8, 20_000)
    assert_equals_slow(100 * np.cumprod(1 + returns, dtype=np.float64))


def test_a_ruined_curve_has_a_return_and_a_drawdown_but_no_sharpe_ratio():
    equity = np.array([100.0, 50.0, -20.0, 30.0, 30.0])
    result = equity_statistics(equity, initial_cash=100.0, years=YEARS)
    returns = np.array([0.0, -0.5, -1.4, 0.0, 0.0])
    assert np.isnan(result.sharpe)
    assert np.isnan(sharpe(returns, YEARS))
    assert result.max_drawdown == pytest.approx(float(max_drawdown(wealth_of(returns))))
    assert result.total_return == pytest.approx(-0.7)
