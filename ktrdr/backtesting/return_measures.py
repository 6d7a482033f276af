"""Measures of an equity curve, on one curve or on many at once.

Every function works along the last axis, so that the same formula measures the
backtest and all its resamples. NaN stands for "not defined".

``wealth`` is equity divided by the initial cash: what 1 became. ``returns`` are
simple returns from one bar's close to the next, the first from the initial cash.
``years`` is calendar time, and ``n_bars / years`` the number of bars a year: what
the bars of this market and timeframe really were, not an assumed 252 or 365.
"""

import math
from typing import cast

import numpy as np

from ktrdr.data import Bars
from ktrdr.typing import BoolArray, FloatArray, TimeArray

_MS_PER_HOUR = 3_600_000.0
_MS_PER_YEAR = 365.25 * 24 * _MS_PER_HOUR
# Below this share of the mean, a deviation is rounding: the returns are all equal.
_ROUNDING = 1e-12


def years_of(bars: Bars) -> float:
    """Return the calendar time from the first opening to the last close, in years.

    A year has 365.25 days. Weekends, holidays and gaps count, as money is tied up
    during them too.
    """
    elapsed = bars.time[-1] + bars.timeframe.duration - bars.time[0]
    return float(elapsed / np.timedelta64(1, "ms")) / _MS_PER_YEAR


def hours_between(start: TimeArray, end: TimeArray) -> FloatArray:
    """Return ``end - start`` in hours; arrays of one shape."""
    elapsed = (end - start) / np.timedelta64(1, "ms")
    return np.asarray(elapsed, np.float64) / _MS_PER_HOUR


def quotient(
    numerator: FloatArray, denominator: FloatArray, *, is_defined: BoolArray
) -> FloatArray:
    """Return ``numerator / denominator``, NaN where it is not defined."""
    result = np.full(np.shape(numerator), np.nan)
    np.divide(numerator, denominator, out=result, where=is_defined)
    return result


def returns_of(equity: FloatArray, initial_cash: float) -> FloatArray:
    """Return each bar's simple return, ``equity[i] / equity[i - 1] - 1``.

    Parameters
    ----------
    equity : ndarray of shape (n_bars,)
        Money at each bar's close.
    initial_cash : float
        Money before the first bar, above 0.

    Returns
    -------
    ndarray of shape (n_bars,)
        Element 0 is measured from the initial cash. 0 once equity was 0 or less:
        nothing is left that could earn a return.
    """
    before = np.concatenate([[initial_cash], equity[:-1]])
    returns = np.zeros_like(equity)
    np.divide(equity - before, before, out=returns, where=before > 0)
    return returns


def wealth_of(returns: FloatArray) -> FloatArray:
    """Return what 1 becomes under ``returns``, shape (..., n_bars).

    Once it reaches 0 or less it stays there, as in a backtest that is ruined.
    """
    growth = 1.0 + returns
    if (growth <= 0).any():
        is_after_ruin = np.zeros(growth.shape, np.bool_)
        is_after_ruin[..., 1:] = np.logical_or.accumulate(growth <= 0, -1)[..., :-1]
        growth[is_after_ruin] = 1.0
    return cast(FloatArray, np.cumprod(growth, axis=-1))


def total_return(wealth: FloatArray) -> FloatArray:
    """Return ``wealth[-1] - 1``, a fraction."""
    gained: FloatArray = wealth[..., -1] - 1.0
    return gained


def annual_return(wealth: FloatArray, years: float) -> FloatArray:
    """Return the yearly rate that compounds to the result.

    ``wealth[-1] ** (1 / years) - 1``, a fraction; -1 after a ruin, NaN where so
    short a time makes it larger than a number can be.
    """
    last = np.maximum(wealth[..., -1], 0.0)
    with np.errstate(over="ignore"):
        rate = np.asarray(last ** (1.0 / years) - 1.0)
    return np.where(np.isfinite(rate), rate, np.nan)


def volatility(returns: FloatArray, years: float) -> FloatArray:
    """Return the annual standard deviation of the bars' returns.

    ``std(returns, ddof=1) * sqrt(bars_per_year)``, a fraction; NaN for fewer than
    two bars.
    """
    return _deviation(returns) * math.sqrt(returns.shape[-1] / years)


def sharpe(returns: FloatArray, years: float) -> FloatArray:
    """Return the annual Sharpe ratio against a riskless return of 0.

    ``mean(returns) / std(returns, ddof=1) * sqrt(bars_per_year)``; NaN where the
    returns do not vary, and after a ruin, whose returns before would hide it.

    References
    ----------
    Sharpe (1994), The Sharpe Ratio, Journal of Portfolio Management 21(1).
    """
    per_year = math.sqrt(returns.shape[-1] / years)
    return _unless_ruined(returns, _ratio(returns, _deviation(returns)) * per_year)


def sortino(returns: FloatArray, years: float) -> FloatArray:
    """Return the annual Sortino ratio against a target return of 0.

    ``mean(returns) / sqrt(mean(min(returns, 0) ** 2)) * sqrt(bars_per_year)``: all
    bars count in the downside deviation, those that gained as 0. NaN where no bar
    lost, and after a ruin.

    References
    ----------
    Sortino and Price (1994), Performance Measurement in a Downside Risk Framework,
    Journal of Investing 3(3).
    """
    downside: FloatArray = np.sqrt(np.mean(np.minimum(returns, 0.0) ** 2, axis=-1))
    ratio = _ratio(returns, downside) * math.sqrt(returns.shape[-1] / years)
    return _unless_ruined(returns, ratio)


def drawdown_of(wealth: FloatArray) -> FloatArray:
    """Return how far each bar's close lies below the highest wealth so far.

    ``wealth[i] / max(1, wealth[0], ..., wealth[i]) - 1``, at most 0, shape
    (..., n_bars).
    """
    peak = np.maximum(np.maximum.accumulate(wealth, axis=-1), 1.0)
    return wealth / peak - 1.0


def max_drawdown(wealth: FloatArray) -> FloatArray:
    """Return the deepest drawdown, a fraction at most 0."""
    deepest: FloatArray = np.min(drawdown_of(wealth), axis=-1)
    return deepest


def calmar(wealth: FloatArray, years: float) -> FloatArray:
    """Return the annual return divided by the depth of the deepest drawdown.

    ``annual_return / -max_drawdown``; NaN without a drawdown.

    References
    ----------
    Young (1991), Calmar Ratio: A Smoother Tool, Futures 20(1), there over three
    years, here over the whole period.
    """
    return _calmar(annual_return(wealth, years), max_drawdown(wealth))


def longest_drawdown(drawdown: FloatArray, bars: Bars) -> tuple[int, float]:
    """Return the length of the longest drawdown, in bars and in hours.

    Parameters
    ----------
    drawdown : ndarray of shape (n_bars,)
        As ``drawdown_of`` gives it.
    bars : Bars
        The bars of that curve.

    Returns
    -------
    n_bars : int
        Most bars in a row that closed below an earlier peak; 0 without a drawdown.
    hours : float
        Time from the peak's close to the last of these closes; the first of
        several stretches of that many bars counts.
    """
    edges = np.diff(np.concatenate([[0], (drawdown < 0).astype(np.int8), [0]]))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    if not starts.size:
        return 0, 0.0
    longest = int(np.argmax(ends - starts))
    first, last = int(starts[longest]), int(ends[longest]) - 1
    peak = bars.close_time[first - 1] if first else bars.time[0]
    hours = (bars.close_time[last] - peak) / np.timedelta64(1, "ms") / _MS_PER_HOUR
    return last - first + 1, float(hours)


def return_measures(
    returns: FloatArray, wealth: FloatArray, years: float
) -> dict[str, FloatArray]:
    """Return the measures of equity curves, by name.

    Parameters
    ----------
    returns, wealth : ndarray of shape (..., n_bars)
        The same curves as returns and as wealth.
    years : float
        Calendar time of a curve.

    Returns
    -------
    dict of str to ndarray of shape (...)
        NaN where a measure is not defined.
    """
    annual, deepest = annual_return(wealth, years), max_drawdown(wealth)
    return {
        "total_return": total_return(wealth),
        "annual_return": annual,
        "volatility": volatility(returns, years),
        "sharpe": sharpe(returns, years),
        "sortino": sortino(returns, years),
        "calmar": _calmar(annual, deepest),
        "max_drawdown": deepest,
    }


def _unless_ruined(returns: FloatArray, values: FloatArray) -> FloatArray:
    return np.where((returns <= -1).any(axis=-1), np.nan, values)


def _calmar(annual: FloatArray, deepest: FloatArray) -> FloatArray:
    return quotient(annual, -deepest, is_defined=deepest < 0)


def _deviation(returns: FloatArray) -> FloatArray:
    if returns.shape[-1] < 2:
        return np.full(returns.shape[:-1], np.nan)
    return cast(FloatArray, np.std(returns, axis=-1, ddof=1))


def _ratio(returns: FloatArray, deviation: FloatArray) -> FloatArray:
    mean: FloatArray = np.mean(returns, axis=-1)
    varies = deviation > _ROUNDING * np.abs(mean)
    return quotient(mean, deviation, is_defined=varies)
