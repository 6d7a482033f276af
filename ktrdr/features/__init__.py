"""Features: from strategy and bars to a named matrix, the same for all who need it."""

from ktrdr.features.compute import compute_features, indicator_values
from ktrdr.features.definitions import (
    FEATURE_CODE_VERSION,
    FeatureDefinition,
    check_features,
    feature_definitions,
    feature_fingerprint,
    memberships_of,
)
from ktrdr.features.fit import FitSample, fit_features
from ktrdr.features.fitted import FittedFeatures, Scaler
from ktrdr.features.matrix import FeatureMatrix
from ktrdr.features.series import input_key
from ktrdr.features.snapshots import (
    SymbolBars,
    load_symbol_bars,
    pin_snapshots,
    resample_symbol_bars,
)
from ktrdr.features.unknown import FeatureGaps, explain_unknown, feature_gaps
from ktrdr.schemas import SnapshotUse

__all__ = [
    "FEATURE_CODE_VERSION",
    "FeatureDefinition",
    "FeatureGaps",
    "FeatureMatrix",
    "FitSample",
    "FittedFeatures",
    "Scaler",
    "SnapshotUse",
    "SymbolBars",
    "check_features",
    "compute_features",
    "explain_unknown",
    "feature_definitions",
    "feature_fingerprint",
    "feature_gaps",
    "fit_features",
    "indicator_values",
    "input_key",
    "load_symbol_bars",
    "memberships_of",
    "pin_snapshots",
    "resample_symbol_bars",
]
