"""How large a position is taken."""

import math
from typing import cast

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ktrdr.data import Bars
from ktrdr.errors import InputError
from ktrdr.strategy import (
    BacktestSpec,
    FractionSizing,
    RiskSizing,
    UnitsSizing,
    VolatilitySizing,
)
from ktrdr.typing import FloatArray, IntArray

_YEAR_MS = 365.25 * 24 * 3_600_000
# Windows gathered at once: 2 million elements are 16 MB.
_BATCH_ELEMENTS = 2_000_000
# 0.3 / 0.1 is 2.9999999999999996: a size this close below a lot counts as the lot.
_LOT_TOLERANCE = 1e-9


def round_to_lots(units: float, lot_step: float) -> float:
    """Return ``units``, at least 0, rounded down to a multiple of ``lot_step``.

    A ``lot_step`` of 0 allows any size. A size short of a multiple by a billionth of
    a lot, the error of dividing fractions, counts as that multiple.
    """
    if lot_step == 0 or not math.isfinite(units):
        return units
    return math.floor(units / lot_step + _LOT_TOLERANCE) * lot_step


def risk_fraction(sizing: RiskSizing, stop_loss: float | None) -> float:
    """Return position value over equity that loses ``risk`` at the stop loss.

    ``min(risk / stop_loss, max_fraction)``; costs of the exit come on top.

    Raises
    ------
    InputError
        If there is no stop loss.
    """
    if stop_loss is None:
        raise InputError(
            "sizing by risk needs backtest.stops.stop_loss, which is not set: "
            "set it, or size by fraction"
        )
    return min(sizing.risk / stop_loss, sizing.max_fraction)


def bars_per_year(bars: Bars) -> FloatArray:
    """Return the number of bars a year as known at each bar's close.

    Bars so far over the time from the first bar's opening to this one's close, in
    years of 365.25 days: nights, weekends and holidays of the market count by
    themselves, and nothing later than the bar is used.

    Returns
    -------
    ndarray of shape (n_bars,)
    """
    if not len(bars):
        return np.empty(0)
    elapsed = (bars.close_time - bars.time[0]).astype(np.int64)
    per_year: FloatArray = np.arange(1, len(bars) + 1) * (_YEAR_MS / elapsed)
    return per_year


def annual_volatility(bars: Bars, rows: IntArray, lookback: int) -> FloatArray:
    """Return the annual volatility known at the close of each of ``rows``.

    Standard deviation (n - 1) of the last ``lookback`` simple returns, close to
    close, times the root of ``bars_per_year``.

    Returns
    -------
    ndarray of shape (len(rows),)
        NaN where fewer than ``lookback`` returns are known.
    """
    volatility = np.full(len(rows), np.nan)
    is_known = rows >= lookback
    known = rows[is_known]
    if not known.size:
        return volatility
    returns = bars.close[1:] / bars.close[:-1] - 1
    windows = sliding_window_view(returns, lookback)
    batch = max(1, _BATCH_ELEMENTS // lookback)
    deviations = [
        windows[known[first : first + batch] - lookback].std(axis=1, ddof=1)
        for first in range(0, len(known), batch)
    ]
    factor = np.sqrt(bars_per_year(bars)[known])
    volatility[is_known] = np.concatenate(deviations) * factor
    return volatility


def entry_fractions(bars: Bars, entry_bar: IntArray, spec: BacktestSpec) -> FloatArray:
    """Return position value over equity for an entry in each of ``entry_bar``.

    Returns
    -------
    ndarray of shape (n_entries,)
        NaN where too little history is known to enter, and for a fixed number of
        units, which does not depend on equity.
    """
    match spec.sizing:
        case UnitsSizing():
            return np.full(len(entry_bar), np.nan)
        case FractionSizing(fraction=fraction):
            return np.full(len(entry_bar), fraction)
        case RiskSizing() as sizing:
            fraction = risk_fraction(sizing, spec.stops.stop_loss)
            return np.full(len(entry_bar), fraction)
        case VolatilitySizing() as sizing:
            volatility = annual_volatility(bars, entry_bar - 1, sizing.lookback)
            with np.errstate(divide="ignore"):
                fractions = np.minimum(sizing.target / volatility, sizing.max_fraction)
            return cast(FloatArray, fractions)
