import math
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from ktrdr.studies import expected_maximum, luck, probabilistic_sharpe


def deflated_sharpe(*arguments) -> Any:
    return luck.deflated_sharpe(*arguments)


def luck_of_sharpe(*arguments) -> Any:
    return luck.luck_of_sharpe(*arguments)


def luck_of_values(values) -> Any:
    return luck.luck_of_values(values)


class TestExpectedMaximum:
    @pytest.mark.parametrize("n_trials", [10, 100, 1000])
    def test_it_is_near_the_mean_of_simulated_maxima(self, n_trials):
        rng = np.random.default_rng(1)
        simulated = rng.normal(size=(4_000, n_trials)).max(axis=1).mean()
        assert expected_maximum(n_trials) == pytest.approx(simulated, rel=0.03)

    def test_one_trial_is_expected_at_its_mean(self):
        assert expected_maximum(1) == 0.0

    def test_by_hand(self):
        z = NormalDist().inv_cdf
        expected = (1 - 0.5772156649) * z(0.9) + 0.5772156649 * z(1 - 0.1 / math.e)
        assert expected_maximum(10) == pytest.approx(expected)


class TestProbabilisticSharpe:
    def test_normal_returns_by_hand(self):
        # sqrt(1 + 0.1 ** 2 / 2) is 1.00250; 0.1 / 1.00250 * sqrt(250) is 1.57720.
        found = probabilistic_sharpe(0.1, 0.0, n=251, skewness=0.0, kurtosis=3.0)
        assert found == pytest.approx(NormalDist().cdf(1.57720), abs=1e-5)

    def test_the_example_of_the_paper(self):
        # Bailey and Lopez de Prado (2014), numerical example: five years of daily
        # returns, annual Sharpe ratio 2.5, 100 trials with variance 0.5.
        per_day = 1 / math.sqrt(250)
        expected = math.sqrt(0.5) * per_day * expected_maximum(100)
        assert expected == pytest.approx(0.1132, abs=1e-4)
        found = probabilistic_sharpe(
            2.5 * per_day, expected, n=1250, skewness=-3.0, kurtosis=10.0
        )
        assert found == pytest.approx(0.9004, abs=1e-4)


class TestDeflatedSharpe:
    @pytest.mark.parametrize("n_trials", [20, 200])
    def test_on_noise_the_best_rarely_stands_out(self, n_trials):
        rng = np.random.default_rng(7)
        n_found, n_studies = 0, 300
        for _ in range(n_studies):
            returns = rng.standard_t(4, size=(n_trials, 400)) * 0.01
            sharpes = returns.mean(axis=1) / returns.std(axis=1, ddof=1)
            best = returns[int(np.argmax(sharpes))]
            probability = deflated_sharpe(best, sharpes.tolist())
            n_found += probability > 0.95
        assert n_found / n_studies <= 0.05

    def test_without_correction_noise_would_stand_out_nearly_always(self):
        rng = np.random.default_rng(7)
        returns = rng.normal(size=(200, 400))
        sharpes = returns.mean(axis=1) / returns.std(axis=1, ddof=1)
        best = returns[int(np.argmax(sharpes))]
        assert deflated_sharpe(best, [max(sharpes)]) > 0.95
        assert deflated_sharpe(best, sharpes.tolist()) < 0.95

    def test_skill_is_found_among_noise(self):
        rng = np.random.default_rng(3)
        returns = rng.normal(size=(100, 2_000))
        returns[17] += 0.2
        sharpes = (returns.mean(axis=1) / returns.std(axis=1, ddof=1)).tolist()
        assert deflated_sharpe(returns[17], sharpes) > 0.99
        found = luck_of_sharpe(returns[17], sharpes, 1.0)
        assert found.stands_out
        assert found.n_distinct == 100

    def test_returns_that_do_not_vary_have_none(self):
        assert deflated_sharpe(np.zeros(50), [0.0, 0.1]) is None


class TestOtherMetrics:
    def test_on_noise_the_best_stands_out_in_about_one_study_of_20(self):
        rng = np.random.default_rng(5)
        found = [
            luck_of_values(rng.normal(size=200).tolist()).stands_out
            for _ in range(1_000)
        ]
        assert 0.02 < np.mean(found) < 0.10

    def test_one_far_above_the_others_stands_out(self):
        rng = np.random.default_rng(5)
        assert luck_of_values([*rng.normal(size=50).tolist(), 8.0]).stands_out

    def test_equal_trials_tell_nothing(self):
        assert luck_of_values([1.0, 1.0, 1.0]) is None
        assert luck_of_values([1.0]) is None
