"""Fit membership functions and scalers, on training bars only."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ktrdr.errors import DataError
from ktrdr.features.fitted import FittedFeatures, Scaler
from ktrdr.features.series import IndicatorTable, SymbolTimeframes, input_key
from ktrdr.fuzzy import MembershipFunction, fit_partition
from ktrdr.strategy import FeatureInput, Strategy, expand_inputs
from ktrdr.typing import BoolArray, FloatArray

# Below this share of the values' size, a spread is rounding error.
_ROUNDING = 1e-12


@dataclass(frozen=True, kw_only=True, eq=False)
class FitSample:
    """One symbol's bars, and which of them are for training.

    Attributes
    ----------
    bars : mapping of Timeframe to Bars
        On every timeframe that the strategy names.
    in_training : ndarray of bool, shape (n_base_bars,)
        Base bars of the training part.
    """

    bars: SymbolTimeframes
    in_training: BoolArray


def fit_features(strategy: Strategy, samples: Sequence[FitSample]) -> FittedFeatures:
    """Return partitions and scalers fitted on the training bars of all samples.

    Parameters
    ----------
    strategy : Strategy
        Whose fuzzy sets with ``auto`` and raw inputs are fitted.
    samples : sequence of FitSample
        One a symbol; their values are pooled.

    Returns
    -------
    FittedFeatures

    Raises
    ------
    DataError
        If there are too few values, or they do not vary.

    Notes
    -----
    A base bar counts when it is marked; a longer bar counts, once, when it is the
    newest known at the close of some marked base bar. Values still unknown are
    left out. Bars that are known only after the last marked one have no influence.
    """
    tables = [_checked_table(strategy, sample) for sample in samples]
    partitions: dict[str, dict[str, MembershipFunction]] = {}
    scalers: dict[str, Scaler] = {}
    for entry in expand_inputs(strategy):
        if entry.fuzzy_set is None:
            values = _training_values(tables, samples, entry)
            scalers[entry.feature_ids[0]] = _fit_scaler(entry.feature_ids[0], values)
            continue
        auto = strategy.fuzzy_sets[entry.fuzzy_set].auto
        if auto is not None:
            key = input_key(entry)
            values = _training_values(tables, samples, entry)
            partitions[key] = fit_partition(auto, values, source=key)
    return FittedFeatures(partitions=partitions, scalers=scalers)


def _checked_table(strategy: Strategy, sample: FitSample) -> IndicatorTable:
    table = IndicatorTable(strategy, sample.bars)
    expected = (len(table.base),)
    if sample.in_training.shape != expected or sample.in_training.dtype != np.bool_:
        raise DataError(
            f"{table.base.symbol}: the mark of training bars is "
            f"{sample.in_training.dtype} of shape {sample.in_training.shape}, "
            f"expected bool of shape {expected}"
        )
    return table


def _training_values(
    tables: Sequence[IndicatorTable], samples: Sequence[FitSample], entry: FeatureInput
) -> FloatArray:
    parts = []
    for table, sample in zip(tables, samples, strict=True):
        rows = np.unique(table.newest_known(entry.timeframe)[sample.in_training])
        values = table.values(entry)[rows[rows >= 0]]
        parts.append(values[~np.isnan(values)])
    return np.concatenate(parts) if parts else np.empty(0)


def _fit_scaler(feature: str, values: FloatArray) -> Scaler:
    if len(values) < 2:
        raise DataError(
            f"feature {feature}: {len(values)} known values in the training bars, at "
            "least 2 expected; use more bars or a shorter warm-up"
        )
    mean, std = float(values.mean()), float(values.std())
    if not (np.isfinite(mean) and np.isfinite(std)):
        raise DataError(f"feature {feature}: its values are too large to standardize")
    if std <= _ROUNDING * float(np.abs(values).max()):
        raise DataError(
            f"feature {feature}: all {len(values)} training values are {mean:g}, so it "
            "can't be standardized; remove it from nn_inputs or change its indicator"
        )
    return Scaler(mean=mean, std=std)
