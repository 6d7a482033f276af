"""A model's manifest for tests, fitted to real bars but not trained."""

import numpy as np

from ktrdr.data import Timeframe, sample_bars
from ktrdr.features import (
    FEATURE_CODE_VERSION,
    FitSample,
    feature_definitions,
    feature_fingerprint,
    fit_features,
)
from ktrdr.models import (
    EpochRecord,
    FeatureRecord,
    FitRecord,
    Manifest,
    NetworkRecord,
    SplitPart,
    SplitRecord,
    WeightsRecord,
    outputs_of,
)
from ktrdr.storage import digest_of
from ktrdr.strategy import Strategy, parse_strategy
from tests.unit.report.results import STRATEGY


def model_manifest(text: str = STRATEGY) -> Manifest:
    strategy = parse_strategy(text)
    outputs = outputs_of(strategy)
    features = _features(strategy)
    return Manifest(
        name=strategy.name,
        version=3,
        created_at="2026-01-01T00:00:00+00:00",
        strategy_yaml=text,
        strategy_digest=digest_of(text.encode()),
        symbols=("EURUSD",),
        snapshots=(),
        split=SplitRecord(
            train=_part("2017-01-02", "2017-07-31"),
            validation=_part("2017-08-01", "2017-09-29"),
            test=_part("2017-10-02", "2017-12-29"),
            embargo=0,
        ),
        features=features,
        network=NetworkRecord(
            type="mlp",
            layer_sizes=(len(features.names), 4, len(outputs)),
            activation="relu",
            outputs=outputs,
        ),
        metrics={},
        fit=FitRecord(
            epochs_run=1,
            best_epoch=1,
            seed=42,
            stopped_early=False,
            seconds=1.0,
            cpu_capability="AVX2",
            threads=1,
            history=(
                EpochRecord(
                    epoch=1, train_loss=1.0, validation_loss=1.0, learning_rate=0.001
                ),
            ),
        ),
        weights=WeightsRecord(digest="e" * 64, size=10, tensors={}),
        environment={},
    )


def _features(strategy: Strategy) -> FeatureRecord:
    bars = sample_bars()[:2000]
    sample = FitSample(bars={Timeframe.H1: bars}, in_training=np.full(2000, True))
    fitted = fit_features(strategy, [sample])
    definitions = feature_definitions(strategy, fitted)
    return FeatureRecord(
        names=tuple(one.name for one in definitions),
        fingerprint=feature_fingerprint(strategy, fitted),
        code_version=FEATURE_CODE_VERSION,
        definitions=definitions,
        fitted=fitted,
        reference=tuple(0.0 for _ in definitions),
    )


def _part(start: str, end: str) -> SplitPart:
    return SplitPart(
        start=f"{start}T00:00:00Z", end=f"{end}T00:00:00Z", n_samples=50, n_purged=3
    )
