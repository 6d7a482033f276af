"""Small steps that our own indicators share."""

import numpy as np
import talib

from ktrdr.typing import FloatArray


def ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Return the quotient, NaN where the denominator is 0 or either is NaN."""
    result = np.full(len(numerator), np.nan)
    defined = ~np.isnan(denominator) & (denominator != 0)
    np.divide(numerator, denominator, out=result, where=defined)
    return result


def delayed(values: FloatArray, n_bars: int) -> FloatArray:
    """Return each bar's value of ``n_bars`` bars before, NaN where there is none."""
    result = np.full(len(values), np.nan)
    result[n_bars:] = values[: max(0, len(values) - n_bars)]
    return result


def mean_amount(amounts: FloatArray, timeperiod: int) -> FloatArray:
    """Return the simple average of amounts that are at least 0.

    Exactly 0 where all of the window are: TA-Lib's running sum leaves a residue
    there, by which nothing should be divided.
    """
    is_nothing = talib.MAX(amounts, timeperiod) == 0
    return np.where(is_nothing, 0.0, talib.SMA(amounts, timeperiod))


def unknown_before(n_bars: int, *outputs: FloatArray) -> tuple[FloatArray, ...]:
    """Return ``outputs`` with NaN put into the first ``n_bars`` bars of all alike.

    As in TA-Lib, an indicator is known when all of its outputs are.
    """
    for output in outputs:
        output[:n_bars] = np.nan
    return outputs
