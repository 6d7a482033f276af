"""Trials in order of a metric, and what their parameters have to do with it."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from ktrdr.schemas import (
    FailureCount,
    ParameterEffect,
    ParameterValue,
    RankedTrial,
    ValueEffect,
)
from ktrdr.studies.trial_table import TrialRow

# More values than that are shown as ranges.
_MOST_VALUES = 12
_N_RANGES = 5


def ranked(rows: Sequence[TrialRow], metric: str) -> list[RankedTrial]:
    """Return the trials, best first; those without a value last, in their order.

    Trials of one value share its rank, as in 1, 2, 2, 4.
    """
    values = {row.number: value_of(row, metric) for row in rows}

    def key(row: TrialRow) -> tuple[float, int]:
        value = values[row.number]
        return (math.inf if value is None else -value, row.number)

    ordered = sorted(rows, key=key)
    found: list[RankedTrial] = []
    for place, row in enumerate(ordered, start=1):
        value = values[row.number]
        is_tied = bool(found) and value is not None and found[-1].value == value
        rank = found[-1].rank if is_tied else place
        found.append(
            RankedTrial(
                number=row.number,
                rank=None if value is None else rank,
                value=value,
                parameters=row.parameters,
                measures=row.measures,
                model=row.model,
            )
        )
    return found


def value_of(row: TrialRow, metric: str) -> float | None:
    """Return what a trial is ranked by; None if it failed or never traded.

    Whoever does not trade has no drawdown and loses nothing: the best of all, and no
    use.
    """
    has_traded = row.measures.get("n_trades") != 0
    return row.measures.get(metric) if has_traded else None


def failures_of(errors: Sequence[str]) -> tuple[FailureCount, ...]:
    """Return each error with how often it came, the most frequent first."""
    counts = Counter(errors).most_common()
    return tuple(FailureCount(error=error, count=count) for error, count in counts)


def distinct(rows: Sequence[TrialRow], metric: str) -> list[float]:
    """Return the values of trials that traded differently, each way once.

    Of trials with the same entries, exits and sides the best counts.
    """
    best: dict[tuple[str | None, str], float] = {}
    for row in rows:
        value = value_of(row, metric)
        key = (row.model, row.trades)
        if value is not None:
            best[key] = max(value, best.get(key, -math.inf))
    return list(best.values())


def effects_of(rows: Sequence[TrialRow], metric: str) -> tuple[ParameterEffect, ...]:
    """Return how the metric's median changes with each parameter, by importance.

    Medians are taken over all trials with that value, whatever their other values
    are. Many different numbers are put into ranges of equally many trials.
    """
    paths = dict.fromkeys(path for row in rows for path in row.parameters)
    found = [_effect(rows, path, metric) for path in paths]
    return tuple(sorted(found, key=lambda one: -one.spread))


def _effect(rows: Sequence[TrialRow], path: str, metric: str) -> ParameterEffect:
    groups: dict[str, list[float | None]] = {}
    of_path = sorted(rows, key=lambda row: _order(row.parameters.get(path)))
    labels = _labels([row.parameters.get(path) for row in of_path])
    for label, row in zip(labels, of_path, strict=True):
        groups.setdefault(label, []).append(value_of(row, metric))
    values = tuple(
        ValueEffect(label=label, n_trials=len(group), median=_median(group))
        for label, group in groups.items()
    )
    medians = [one.median for one in values if one.median is not None]
    spread = max(medians) - min(medians) if medians else 0.0
    return ParameterEffect(path=path, spread=spread, values=values)


def _order(value: ParameterValue) -> tuple[bool, float, str]:
    # Numbers by size, before words by the alphabet.
    if isinstance(value, int | float):
        return False, float(value), ""
    return True, 0.0, str(value)


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def _labels(values: Sequence[ParameterValue]) -> list[str]:
    numbers = [value for value in values if type(value) in (int, float)]
    if len(numbers) < len(values) or len(set(numbers)) <= _MOST_VALUES:
        return [label_of(value) for value in values]
    known = np.array(numbers, np.float64)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _N_RANGES + 1)))
    rows = np.clip(np.searchsorted(edges, known, "right") - 1, 0, len(edges) - 2)
    return [f"{edges[row]:.4g} to {edges[row + 1]:.4g}" for row in rows.tolist()]


def label_of(value: ParameterValue) -> str:
    """Return ``value`` for people."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(map(label_of, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)
