"""How long the blocks of a bootstrap have to be."""

import numpy as np

from ktrdr.typing import FloatArray

# Correlations beyond this many standard errors count as real; Politis and White.
_SIGNIFICANT = 2.0


def block_length_of(returns: FloatArray) -> float:
    """Return the mean block length for a stationary bootstrap of ``returns``.

    Parameters
    ----------
    returns : ndarray of shape (n_bars,)
        Simple returns of the bars, finite.

    Returns
    -------
    float
        In bars, from 1 to ``min(3 * sqrt(n_bars), n_bars / 3)`` or 1: the longer of
        the automatic lengths for the returns and for their squares, as the
        volatility of returns lasts longer than their direction.

    References
    ----------
    Politis and White (2004), Automatic Block-Length Selection for the Dependent
    Bootstrap, Econometric Reviews 23(1), with the correction of Patton, Politis and
    White (2009), Econometric Reviews 28(4).
    """
    return max(automatic_length(returns), automatic_length(returns**2))


def automatic_length(values: FloatArray) -> float:
    """Return the automatic length of Politis and White for one series.

    With autocovariance ``R(k)``, flat-top window ``w(t) = min(1, 2 * (1 - t))`` and
    bandwidth ``m``: ``G = sum w(k / m) * |k| * R(k)``, ``g = sum w(k / m) * R(k)``,
    both over ``|k| <= m``, and the length is ``(G ** 2 / g ** 2 * n) ** (1 / 3)``.
    1 for a constant or shorter than 8 values.
    """
    n = len(values)
    longest = max(1.0, min(3.0 * np.sqrt(n), n / 3.0))
    centred = values - values.mean()
    if n < 8 or np.ptp(values) <= 1e-12 * np.abs(values).max():
        return 1.0
    n_tested = max(5, int(np.ceil(np.sqrt(np.log10(n)))))
    n_lags = min(int(np.ceil(np.sqrt(n))) + n_tested, n - 1)
    covariance = autocovariance(centred, n_lags)
    bandwidth = min(2 * _last_real_lag(covariance, n, n_tested), n_lags)
    lags = np.arange(1, bandwidth + 1)
    window = np.minimum(1.0, 2.0 * (1.0 - lags / bandwidth))
    weighted = window * covariance[1 : bandwidth + 1]
    spectrum = covariance[0] + 2.0 * weighted.sum()
    slope = 2.0 * (lags * weighted).sum()
    if spectrum <= 0:
        return float(longest)
    length = (slope**2 / spectrum**2 * n) ** (1.0 / 3.0)
    return float(np.clip(length, 1.0, longest))


def autocovariance(centred: FloatArray, n_lags: int) -> FloatArray:
    """Return ``sum(centred[i] * centred[i + lag]) / n`` for lags 0 to ``n_lags``.

    Parameters
    ----------
    centred : ndarray of shape (n,)
        Values less their mean.
    n_lags : int
        Less than n.
    """
    # Padded with zeros, the circular products of a transform are the plain ones.
    n = len(centred)
    size = 1 << (n + n_lags).bit_length()
    power = np.abs(np.fft.rfft(centred, size)) ** 2
    return np.fft.irfft(power, size)[: n_lags + 1] / n


def _last_real_lag(covariance: FloatArray, n: int, n_tested: int) -> int:
    # The smallest lag that is followed by `n_tested` correlations without meaning.
    threshold = _SIGNIFICANT * np.sqrt(np.log10(n) / n)
    is_real = np.abs(covariance[1:] / covariance[0]) >= threshold
    for lag in range(len(is_real) - n_tested + 1):
        if not is_real[lag : lag + n_tested].any():
            return max(lag, 1)
    found = np.flatnonzero(is_real)
    return int(found[-1]) + 1 if found.size else 1
