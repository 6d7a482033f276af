"""How much of the best trial is luck: the best of many is good without any skill."""

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from ktrdr.schemas import Luck
from ktrdr.typing import FloatArray

CONFIDENCE = 0.95
_NORMAL = NormalDist()
# Median absolute deviation to standard deviation, for normal values.
_MAD_TO_STD = 1.0 / _NORMAL.inv_cdf(0.75)


def expected_maximum(n_trials: int) -> float:
    """Return the expected maximum of so many independent standard normal values.

    ``(1 - g) * z(1 - 1 / n) + g * z(1 - 1 / (n * e))`` with g, Euler's constant, and
    z, the inverse of the normal distribution; 0 for a single one.

    References
    ----------
    Bailey and Lopez de Prado (2014), The Deflated Sharpe Ratio, Journal of Portfolio
    Management 40(5), equation 1.
    """
    if n_trials < 2:
        return 0.0
    first = _NORMAL.inv_cdf(1.0 - 1.0 / n_trials)
    second = _NORMAL.inv_cdf(1.0 - 1.0 / (n_trials * math.e))
    return (1.0 - np.euler_gamma) * first + np.euler_gamma * second


def probabilistic_sharpe(
    sharpe: float, benchmark: float, *, n: int, skewness: float, kurtosis: float
) -> float:
    """Return the probability that the true Sharpe ratio is above ``benchmark``.

    Parameters
    ----------
    sharpe, benchmark : float
        Measured and to be beaten, for one bar: not annual.
    n : int
        Number of returns, at least 2.
    skewness, kurtosis : float
        Of the returns; a normal distribution has 0 and 3.

    References
    ----------
    Bailey and Lopez de Prado (2012), The Sharpe Ratio Efficient Frontier, Journal
    of Risk 15(2).
    """
    variance = 1.0 - skewness * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
    if variance <= 0:
        return float(sharpe > benchmark)
    return _NORMAL.cdf((sharpe - benchmark) * math.sqrt((n - 1) / variance))


def deflated_sharpe(returns: FloatArray, sharpes: Sequence[float]) -> float | None:
    """Return the probability that the best trial's true Sharpe ratio is above luck.

    Parameters
    ----------
    returns : ndarray of shape (n_bars,)
        Of the best trial, bar by bar.
    sharpes : sequence of float
        Sharpe ratios of all distinct trials for one bar, the best among them.

    Returns
    -------
    float or None
        ``probabilistic_sharpe`` against what the best of so many trials without
        skill is expected to reach, their standard deviation times
        ``expected_maximum``. None where the returns do not vary.

    References
    ----------
    Bailey and Lopez de Prado (2014), The Deflated Sharpe Ratio, Journal of Portfolio
    Management 40(5).
    """
    deviation = float(returns.std(ddof=1)) if len(returns) > 1 else 0.0
    mean = float(returns.mean())
    if deviation <= 1e-12 * abs(mean) or deviation == 0.0:
        return None
    standard = (returns - mean) / float(returns.std())
    return probabilistic_sharpe(
        mean / deviation,
        expected_best(sharpes),
        n=len(returns),
        skewness=float((standard**3).mean()),
        kurtosis=float((standard**4).mean()),
    )


def expected_best(sharpes: Sequence[float]) -> float:
    """Return the Sharpe ratio that the best of such trials reaches without skill.

    Their standard deviation (n - 1) times ``expected_maximum``; 0 for one trial.
    """
    if len(sharpes) < 2:
        return 0.0
    return float(np.std(sharpes, ddof=1)) * expected_maximum(len(sharpes))


def luck_of_sharpe(
    returns: FloatArray, sharpes: Sequence[float], bars_per_year: float
) -> Luck | None:
    """Return how the best of trials ranked by their annual Sharpe ratio stands out."""
    per_bar = [value / math.sqrt(bars_per_year) for value in sharpes]
    probability = deflated_sharpe(returns, per_bar)
    if probability is None:
        return None
    return Luck(
        n_distinct=len(sharpes),
        median=float(np.median(sharpes)),
        expected_best=expected_best(sharpes),
        probability=probability,
        stands_out=probability >= CONFIDENCE,
    )


def luck_of_values(values: Sequence[float]) -> Luck | None:
    """Return how the best of trials ranked by another metric stands out.

    Without skill, values are taken to lie normally around their median, with the
    spread that the median absolute deviation tells, which the best one does not
    move. The best stands out when fewer than 1 in 20 sets of so many trials would
    have one as good.
    """
    median = float(np.median(values))
    spread = float(np.median(np.abs(np.asarray(values) - median))) * _MAD_TO_STD
    if len(values) < 2 or spread == 0:
        return None
    limit = _NORMAL.inv_cdf(CONFIDENCE ** (1.0 / len(values)))
    return Luck(
        n_distinct=len(values),
        median=median,
        expected_best=median + spread * expected_maximum(len(values)),
        stands_out=max(values) > median + spread * limit,
    )
