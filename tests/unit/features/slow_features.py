"""The feature function once more: slow, obvious, a bar at a time."""

import math
from collections.abc import Mapping

import numpy as np

from ktrdr.data import Bars, Timeframe
from ktrdr.features import FittedFeatures
from ktrdr.indicators import catalogue, compute_indicator
from ktrdr.strategy import Strategy


def slow_features(
    strategy: Strategy, bars: Mapping[Timeframe, Bars], fitted: FittedFeatures
) -> np.ndarray:
    base = bars[Timeframe(strategy.training_data.base_timeframe)]
    return np.array([_row(strategy, bars, fitted, close) for close in base.close_time])


def _row(strategy, bars, fitted, now):
    row = []
    for one in strategy.nn_inputs:
        timeframes = one.timeframes
        if timeframes == "all":
            timeframes = strategy.training_data.timeframes
        for timeframe in timeframes:
            closed = bars[Timeframe(timeframe)]
            closed = closed[: sum(1 for close in closed.close_time if close <= now)]
            if one.fuzzy_set:
                fuzzy_set = strategy.fuzzy_sets[one.fuzzy_set]
                value = _last_value(strategy, closed, fuzzy_set.indicator)
                functions = fuzzy_set.memberships
                if fuzzy_set.auto:
                    functions = fitted.partitions[f"{timeframe}_{one.fuzzy_set}"]
                row += [
                    float(each(np.array([value]))[0]) for each in functions.values()
                ]
            else:
                name = one.raw_indicator.replace(".", "_")
                scaler = fitted.scalers[f"{timeframe}_{name}_raw"]
                value = _last_value(strategy, closed, one.raw_indicator)
                row.append((value - scaler.mean) / scaler.std)
    return row


def _last_value(strategy, closed, reference):
    if not len(closed):
        return math.nan
    indicator, _, output = reference.partition(".")
    use = strategy.indicators[indicator]
    values = compute_indicator(use, closed)
    return float(values[output or catalogue()[use.type].primary][-1])
