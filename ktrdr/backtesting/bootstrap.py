"""Confidence intervals by resampling what happened.

Measures of the equity curve come from a stationary block bootstrap of the bars'
returns: blocks of neighbouring returns are drawn together, so that a resample keeps
the clusters of volatility and the runs in and out of the market that single draws
would break. Measures of trades come from drawing whole trades independently.

An interval tells how much of a measure is luck *if the future resembles the tested
bars*. It does not tell what overfitting or a change of the market will do.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from ktrdr.backtesting.block_length import block_length_of
from ktrdr.backtesting.return_measures import (
    return_measures,
    returns_of,
    wealth_of,
    years_of,
)
from ktrdr.backtesting.simulation import Simulation, Trades
from ktrdr.backtesting.trade_measures import (
    holding_bars,
    holding_hours,
    trade_measures,
    trade_returns,
)
from ktrdr.data import Bars
from ktrdr.progress import Progress
from ktrdr.typing import FloatArray, IntArray

CONFIDENCE = 0.95
_FEWEST_TRADES = 10
# Numbers in one array of resamples: 4 MB, of which a dozen are alive at once.
_NUMBERS_AT_ONCE = 1 << 19

Limits = tuple[float, float] | None


def stationary_indices(
    n_bars: int, n_resamples: int, mean_length: float, rng: np.random.Generator
) -> IntArray:
    """Return the rows that make up each resample, blocks wrapping at the end.

    Parameters
    ----------
    n_bars, n_resamples : int
        Length of a resample and number of them, at least 1.
    mean_length : float
        Mean length of a block, at least 1; lengths are geometric.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    ndarray of shape (n_resamples, n_bars)
        Row numbers from 0 to n_bars - 1.

    References
    ----------
    Politis and Romano (1994), The Stationary Bootstrap, Journal of the American
    Statistical Association 89(428).
    """
    total = n_bars * n_resamples
    begins_block = rng.random(total) < 1.0 / mean_length
    # The geometric distribution forgets: a block may be cut where a resample ends
    # and another begun, and lengths inside the next one are geometric still.
    begins_block[::n_bars] = True
    starts = np.flatnonzero(begins_block)
    lengths = np.diff(np.append(starts, total))
    drawn = rng.integers(0, n_bars, starts.size)
    rows = np.arange(total) + np.repeat(drawn - starts, lengths)
    # A block is no longer than a resample, so it wraps once at most.
    np.subtract(rows, n_bars, out=rows, where=rows >= n_bars)
    return rows.reshape(n_resamples, n_bars)


def return_intervals(
    returns: FloatArray,
    years: float,
    *,
    mean_length: float,
    n_resamples: int,
    rng: np.random.Generator,
    progress: Progress,
) -> dict[str, Limits]:
    """Return limits of the equity measures from resampled returns.

    Parameters
    ----------
    returns : ndarray of shape (n_bars,)
        Simple returns of the bars.
    years : float
        Calendar time of these bars.
    mean_length : float
        Mean block length in bars, see ``block_length_of``.
    n_resamples : int
        Number of resamples.
    rng : numpy.random.Generator
        Source of the draws: the same state gives the same limits.
    progress : Progress
        Told after every chunk.

    Returns
    -------
    dict of str to (low, high) or None
        By name of measure, see ``limits_of``.
    """
    n_bars = len(returns)

    def resample(count: int) -> Mapping[str, FloatArray]:
        drawn = returns[stationary_indices(n_bars, count, mean_length, rng)]
        return return_measures(drawn, wealth_of(drawn), years)

    progress.phase("bootstrap of returns", n_resamples, "resamples")
    return _limits(resample, n_resamples, n_bars, progress)


def trade_intervals(
    trades: Trades,
    bars: Bars,
    *,
    n_resamples: int,
    rng: np.random.Generator,
    progress: Progress,
) -> dict[str, Limits]:
    """Return limits of the trade measures from trades drawn independently.

    An empty dict for fewer than 10 trades: too few values to draw from, so that the
    limits would be too close to each other. Parameters as in ``return_intervals``.
    """
    n_trades = len(trades)
    if n_trades < _FEWEST_TRADES:
        return {}
    columns = np.stack(
        [
            trades.profit,
            trade_returns(trades),
            holding_bars(trades).astype(np.float64),
            holding_hours(trades, bars),
        ]
    )

    def resample(count: int) -> Mapping[str, FloatArray]:
        drawn = rng.integers(0, n_trades, (count, n_trades))
        profit, returns, bars_held, hours = (column[drawn] for column in columns)
        return trade_measures(profit, returns, bars_held, hours)

    progress.phase("bootstrap of trades", n_resamples, "resamples")
    return _limits(resample, n_resamples, n_trades, progress)


def confidence_limits(
    simulation: Simulation,
    bars: Bars,
    initial_cash: float,
    *,
    n_resamples: int,
    seed: np.random.SeedSequence,
    progress: Progress,
) -> tuple[dict[str, Limits], float]:
    """Return the limits of all measures that have any, and the block length used.

    Each bootstrap has its own generator, made from ``seed``.
    """
    returns = returns_of(simulation.equity, initial_cash)
    mean_length = block_length_of(returns)
    returns_seed, trades_seed = seed.spawn(2)
    limits = return_intervals(
        returns,
        years_of(bars),
        mean_length=mean_length,
        n_resamples=n_resamples,
        rng=np.random.default_rng(returns_seed),
        progress=progress,
    )
    of_trades = trade_intervals(
        simulation.trades,
        bars,
        n_resamples=n_resamples,
        rng=np.random.default_rng(trades_seed),
        progress=progress,
    )
    return {**limits, **of_trades}, mean_length


def limits_of(values: FloatArray) -> Limits:
    """Return the percentile interval of a measure's resampled values.

    None where fewer than ``CONFIDENCE`` of the resamples define the measure: the
    limits would describe a selection of them. None, too, where both limits are the
    same: resamples that cannot vary, as when every trade won, are no certainty.
    """
    defined = values[np.isfinite(values)]
    if not values.size or defined.size < CONFIDENCE * values.size:
        return None
    tail = (1.0 - CONFIDENCE) / 2
    low, high = np.quantile(defined, [tail, 1.0 - tail])
    return (float(low), float(high)) if low < high else None


def _limits(
    resample: Callable[[int], Mapping[str, FloatArray]],
    n_resamples: int,
    length: int,
    progress: Progress,
) -> dict[str, Limits]:
    chunks = []
    done = 0
    for count in _counts(n_resamples, max(1, _NUMBERS_AT_ONCE // length)):
        chunks.append(resample(count))
        done += count
        progress.advance(done)
    names = chunks[0].keys()
    return {
        name: limits_of(np.concatenate([chunk[name] for chunk in chunks]))
        for name in names
    }


def _counts(total: int, at_most: int) -> Iterator[int]:
    for begun in range(0, total, at_most):
        yield min(at_most, total - begun)
