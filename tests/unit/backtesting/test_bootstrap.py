import numpy as np
import pytest

from ktrdr.backtesting.block_length import (
    autocovariance,
    automatic_length,
    block_length_of,
)
from ktrdr.backtesting.bootstrap import (
    limits_of,
    return_intervals,
    stationary_indices,
    trade_intervals,
)
from ktrdr.progress import NoProgress
from tests.builders import random_bars
from tests.unit.backtesting.trades import random_trades


def intervals_of(returns, *, seed=0, n_resamples=500, mean_length=1.0, years=1.0):
    return return_intervals(
        returns,
        years,
        mean_length=mean_length,
        n_resamples=n_resamples,
        rng=np.random.default_rng(seed),
        progress=NoProgress(),
    )


def autoregressive(n, coefficient, rng):
    noise = rng.normal(0, 1, n)
    values = np.empty(n)
    last = 0.0
    for i in range(n):
        last = coefficient * last + noise[i]
        values[i] = last
    return values


class TestIndices:
    def test_every_row_is_drawn_equally_often(self):
        rows = stationary_indices(50, 4000, 7.0, np.random.default_rng(0))
        assert rows.shape == (4000, 50)
        counts = np.bincount(rows.ravel(), minlength=50)
        assert len(counts) == 50
        assert counts == pytest.approx(np.full(50, 4000), rel=0.1)

    @pytest.mark.parametrize("mean_length", [1.0, 2.5, 20.0])
    def test_blocks_have_the_mean_length_asked_for(self, mean_length):
        rows = stationary_indices(10_000, 20, mean_length, np.random.default_rng(1))
        goes_on = rows[:, 1:] == (rows[:, :-1] + 1) % 10_000
        assert goes_on.mean() == pytest.approx(1 - 1 / mean_length, abs=0.01)

    def test_blocks_wrap_at_the_end(self):
        rows = stationary_indices(10, 500, 8.0, np.random.default_rng(2))
        after_last = rows[:, 1:][rows[:, :-1] == 9]
        assert (after_last == 0).mean() > 0.8

    def test_resamples_are_independent_at_their_border(self):
        rows = stationary_indices(30, 5000, 1e9, np.random.default_rng(3))
        assert (rows[1:, 0] == (rows[:-1, -1] + 1) % 30).mean() < 0.1

    def test_equals_a_plain_loop_over_the_same_draws(self):
        rows = stationary_indices(13, 9, 3.0, np.random.default_rng(4))
        rng = np.random.default_rng(4)
        begins = rng.random(13 * 9) < 1 / 3
        starts = [i for i in range(13 * 9) if begins[i] or i % 13 == 0]
        drawn = dict(zip(starts, rng.integers(0, 13, len(starts)), strict=True))
        expected, current = [], 0
        for i in range(13 * 9):
            current = drawn[i] if i in drawn else (current + 1) % 13
            expected.append(current)
        assert rows.ravel().tolist() == expected


class TestBlockLength:
    def test_white_noise_needs_short_blocks(self):
        rng = np.random.default_rng(0)
        lengths = [automatic_length(rng.normal(0, 1, 2000)) for _ in range(20)]
        assert np.median(lengths) < 5

    def test_is_that_of_the_theory_for_an_autoregressive_series(self):
        # For AR(1), G / g = 2 c / (1 - c^2), so the length is a known number.
        rng = np.random.default_rng(1)
        n, c = 10_000, 0.7
        expected = ((2 * c / (1 - c**2)) ** 2 * n) ** (1 / 3)
        found = [automatic_length(autoregressive(n, c, rng)) for _ in range(10)]
        assert np.median(found) == pytest.approx(expected, rel=0.2)

    def test_volatility_that_comes_in_waves_makes_blocks_longer(self):
        rng = np.random.default_rng(2)
        waves = np.exp(np.sin(np.arange(3000) / 60))
        returns = waves * rng.normal(0, 0.01, 3000)
        assert block_length_of(returns) > 3 * automatic_length(returns)

    @pytest.mark.parametrize(
        "values", [np.zeros(100), np.full(30, 0.1), np.arange(5.0)]
    )
    def test_is_one_where_nothing_can_be_told(self, values):
        assert automatic_length(values) == 1.0

    @pytest.mark.parametrize("n", [9, 64, 65, 500])
    def test_autocovariance_equals_plain_products(self, n):
        values = np.random.default_rng(n).normal(0, 1, n)
        n_lags = n // 2
        expected = [
            sum(values[i] * values[i + lag] for i in range(n - lag)) / n
            for lag in range(n_lags + 1)
        ]
        assert autocovariance(values, n_lags) == pytest.approx(expected, abs=1e-12)

    def test_never_exceeds_its_bound(self):
        trend = np.linspace(0, 1, 400)
        assert automatic_length(trend) <= 3 * np.sqrt(400)


class TestReturnIntervals:
    def test_same_seed_gives_the_same_limits_and_another_seed_others(self):
        returns = np.random.default_rng(0).normal(0, 0.01, 300)
        assert intervals_of(returns) == intervals_of(returns)
        assert intervals_of(returns) != intervals_of(returns, seed=1)

    def test_limits_of_the_mean_are_those_of_the_normal_theory(self):
        rng = np.random.default_rng(1)
        returns = rng.normal(0.001, 0.01, 2000)
        low, high = intervals_of(returns, n_resamples=2000)["sharpe"]
        sharpe = returns.mean() / returns.std(ddof=1) * np.sqrt(2000)
        # One year of 2000 bars: the standard error of the annual ratio is 1.
        assert low == pytest.approx(sharpe - 1.96, abs=0.15)
        assert high == pytest.approx(sharpe + 1.96, abs=0.15)

    def test_there_are_none_where_resamples_cannot_vary(self):
        found = intervals_of(np.zeros(40))
        assert set(found.values()) == {None}

    def test_ruinous_returns_give_finite_limits(self):
        returns = np.random.default_rng(2).normal(0, 0.4, 80)
        returns[5] = -1.7
        for limits in intervals_of(returns, years=0.01).values():
            assert limits is None or np.isfinite(limits).all()

    def test_chunks_hold_the_memory_down(self):
        import tracemalloc

        returns = np.random.default_rng(3).normal(0, 0.01, 200_000)
        tracemalloc.start()
        intervals_of(returns, n_resamples=100, mean_length=5.0)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        # All at once would take 160 MB for the returns alone.
        assert peak < 60e6

    @pytest.mark.slow
    @pytest.mark.parametrize("coefficient", [0.0, 0.3])
    def test_ninety_five_percent_of_intervals_hold_the_true_sharpe(self, coefficient):
        rng = np.random.default_rng(7)
        n, mean, n_experiments = 600, 0.05, 300
        deviation = 1 / np.sqrt(1 - coefficient**2)
        true_sharpe = mean / deviation * np.sqrt(n)
        n_held = 0
        for seed in range(n_experiments):
            values = autoregressive(n, coefficient, rng) + mean
            returns = values * 0.01
            low, high = intervals_of(
                returns,
                seed=seed,
                n_resamples=400,
                mean_length=block_length_of(returns),
            )["sharpe"]
            n_held += low <= true_sharpe <= high
        # Three standard errors of a share of 0.95 are 0.038; short samples of
        # dependent returns cover a little less.
        assert 0.90 <= n_held / n_experiments <= 0.985

    @pytest.mark.slow
    def test_single_draws_would_be_too_sure_of_dependent_returns(self):
        rng = np.random.default_rng(8)
        n, n_held = 600, {"blocks": 0, "single": 0}
        for seed in range(100):
            returns = 0.01 * autoregressive(n, 0.5, rng)
            for kind, length in (
                ("blocks", block_length_of(returns)),
                ("single", 1.0),
            ):
                low, high = intervals_of(
                    returns, seed=seed, n_resamples=300, mean_length=length
                )["sharpe"]
                n_held[kind] += low <= 0 <= high
        assert n_held["single"] < 85 < n_held["blocks"]


class TestTradeIntervals:
    def test_limits_enclose_the_measure_and_follow_the_seed(self):
        trades, bars = random_trades(80, 1000, 0), random_bars(1000)

        def found(seed):
            return trade_intervals(
                trades,
                bars,
                n_resamples=400,
                rng=np.random.default_rng(seed),
                progress=NoProgress(),
            )

        assert found(0) == found(0)
        assert found(0) != found(1)
        low, high = found(0)["expectancy"]
        assert low < trades.profit.mean() < high
        error = trades.profit.std() / np.sqrt(80)
        assert high - low == pytest.approx(2 * 1.96 * error, rel=0.15)

    @pytest.mark.parametrize("n_trades", [0, 1, 9])
    def test_there_are_none_for_a_handful_of_trades(self, n_trades):
        found = trade_intervals(
            random_trades(n_trades, 100, 0),
            random_bars(100),
            n_resamples=100,
            rng=np.random.default_rng(0),
            progress=NoProgress(),
        )
        assert found == {}


class TestLimits:
    def test_are_the_percentiles_of_what_is_defined(self):
        values = np.append(np.arange(1.0, 101.0), np.nan)
        assert limits_of(values) == pytest.approx((3.475, 97.525))

    def test_are_none_when_too_many_resamples_define_nothing(self):
        values = np.linspace(0, 1, 100)
        values[:6] = np.nan
        assert limits_of(values) is None
        values[0] = 0.5
        assert limits_of(values) is not None

    def test_are_none_without_any_width(self):
        assert limits_of(np.ones(100)) is None
