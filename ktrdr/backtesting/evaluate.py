"""Everything that is asked of a backtest once its positions have been traded."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ktrdr.backtesting.bootstrap import Limits, confidence_limits
from ktrdr.backtesting.market import Market
from ktrdr.backtesting.measures import equity_measures, measure, number_or_none
from ktrdr.backtesting.nulls import buy_and_hold, random_entries
from ktrdr.backtesting.sensitivity import cost_sensitivity, optimistic_twin
from ktrdr.backtesting.simulation import Simulation
from ktrdr.progress import Progress
from ktrdr.schemas import CostPoint, Interval, NullComparison, Resampling
from ktrdr.strategy import BacktestSpec
from ktrdr.typing import FloatArray, TargetArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """Measures, their intervals and what they are compared with.

    Attributes
    ----------
    measures : dict of str to Interval
        By name, in the order of ``MEASURES``.
    resampling : Resampling
        How the intervals were made.
    n_ambiguous_bars : int
        Bars that touched both stop and target.
    hold_equity : ndarray of float64, shape (n_bars,)
        Equity of buy and hold at each bar's close.
    optimistic, buy_and_hold, random_entries, cost_sensitivity
        As in ``ResultManifest``.
    """

    measures: dict[str, Interval]
    resampling: Resampling
    n_ambiguous_bars: int
    hold_equity: FloatArray
    optimistic: dict[str, float | None]
    buy_and_hold: dict[str, float | None]
    random_entries: NullComparison | None
    cost_sensitivity: tuple[CostPoint, ...]


def evaluate(
    simulation: Simulation,
    market: Market,
    targets: TargetArray,
    spec: BacktestSpec,
    *,
    n_resamples: int,
    seed: int,
    progress: Progress,
) -> Evaluation:
    """Return what is to be known about a simulation.

    Parameters
    ----------
    simulation : Simulation
        Of ``targets`` on ``market`` under ``spec``.
    market : Market
        The period's bars.
    targets : ndarray of int8, shape (n_bars,)
        Positions wanted.
    spec : BacktestSpec
        Money, costs, sizes and stops.
    n_resamples : int
        Bootstrap resamples, and runs with random entries.
    seed : int
        Of both: the same seed gives the same evaluation.
    progress : Progress
        Told what is being done.
    """
    bootstrap_seed, null_seed = np.random.SeedSequence(seed).spawn(2)
    limits, block_length = confidence_limits(
        simulation,
        market.bars,
        spec.initial_cash,
        n_resamples=n_resamples,
        seed=bootstrap_seed,
        progress=progress,
    )
    null = random_entries(
        simulation,
        market,
        targets,
        spec,
        n_runs=n_resamples,
        rng=np.random.default_rng(null_seed),
        progress=progress,
    )
    values = measure(simulation, market.bars, spec.initial_cash)
    hold = buy_and_hold(market, spec).equity
    held = equity_measures(hold, market.bars, spec.initial_cash)
    return Evaluation(
        measures={name: _interval(name, values, limits) for name in values},
        resampling=Resampling(n_resamples=n_resamples, block_length=block_length),
        n_ambiguous_bars=int(simulation.trades.is_ambiguous.sum()),
        hold_equity=hold,
        optimistic=optimistic_twin(market, targets, spec),
        buy_and_hold={name: number_or_none(value) for name, value in held.items()},
        random_entries=null,
        cost_sensitivity=cost_sensitivity(market, targets, spec),
    )


def _interval(
    name: str, values: Mapping[str, float | None], limits: Mapping[str, Limits]
) -> Interval:
    found = limits.get(name)
    # A value that is not defined has no interval, whatever the resamples say.
    if values[name] is None or found is None:
        return Interval(value=values[name])
    return Interval(value=values[name], low=found[0], high=found[1])
