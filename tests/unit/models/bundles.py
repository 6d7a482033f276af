"""Small bundles, made without training."""

import numpy as np

from ktrdr.data import Timeframe, resample
from ktrdr.features import (
    FEATURE_CODE_VERSION,
    FitSample,
    SnapshotUse,
    compute_features,
    feature_definitions,
    feature_fingerprint,
    fit_features,
)
from ktrdr.models import (
    EpochRecord,
    FeatureRecord,
    FitRecord,
    ModelDescription,
    NetworkRecord,
    SplitPart,
    SplitRecord,
    outputs_of,
    tensor_records,
)
from ktrdr.storage import digest_of
from ktrdr.strategy import parse_strategy
from tests.builders import random_bars
from tests.unit.features.strategies import two_timeframes_text

REGRESSION = (
    ("{format: classification}", "{format: regression}"),
    ("horizon: 3}", "horizon: 3}\n  loss: {type: mse}"),
)


def bars_by_timeframe(base):
    return {Timeframe.H1: base, Timeframe.H4: resample(base, Timeframe.H4)}


def tensors_for(layer_sizes, seed=0, spread=0.6):
    rng = np.random.default_rng(seed)
    return {
        name: rng.normal(0, spread, record.shape).astype(np.float32)
        for name, record in tensor_records(layer_sizes).items()
    }


def model(*changes, seed=0):
    """A model's description and random weights, for a strategy with changes."""
    text = two_timeframes_text(*changes)
    strategy = parse_strategy(text)
    bars = bars_by_timeframe(random_bars(300, seed=seed))
    in_training = np.arange(300) < 180
    fitted = fit_features(strategy, [FitSample(bars=bars, in_training=in_training)])
    matrix = compute_features(strategy, bars, fitted)
    rows = matrix.values[in_training & matrix.is_known]
    sizes = (
        len(matrix.names),
        *strategy.model.hidden_layers,
        len(outputs_of(strategy)),
    )
    description = ModelDescription(
        name=strategy.name,
        strategy_yaml=text,
        strategy_digest=digest_of(text.encode()),
        symbols=("TEST",),
        snapshots=(_use(),),
        split=_split(),
        features=FeatureRecord(
            names=matrix.names,
            fingerprint=feature_fingerprint(strategy, fitted),
            code_version=FEATURE_CODE_VERSION,
            definitions=feature_definitions(strategy, fitted),
            fitted=fitted,
            reference=tuple(rows.mean(axis=0).tolist()),
        ),
        network=NetworkRecord(
            type="mlp",
            layer_sizes=sizes,
            activation=strategy.model.activation,
            outputs=outputs_of(strategy),
        ),
        metrics={"test": {"model": {"loss": 1.05, "accuracy": None}}},
        fit=_fit(),
        environment={"ktrdr": "0.1.0"},
    )
    return description, tensors_for(sizes, seed)


def _use():
    return SnapshotUse(
        symbol="TEST",
        timeframe="1h",
        digest="a" * 64,
        source="a test",
        is_resampled=False,
        n_bars=300,
        start="2020-01-06T00:00:00Z",
        end="2020-01-18T11:00:00Z",
    )


def _split():
    starts = ("2020-01-06T00:00:00Z", "2020-01-13T12:00:00Z", "2020-01-16T00:00:00Z")
    ends = ("2020-01-13T11:00:00Z", "2020-01-15T23:00:00Z", "2020-01-18T11:00:00Z")
    train, validation, test = (
        SplitPart(start=start, end=end, n_samples=50, n_purged=3)
        for start, end in zip(starts, ends, strict=True)
    )
    return SplitRecord(train=train, validation=validation, test=test, embargo=0)


def _fit():
    return FitRecord(
        epochs_run=2,
        best_epoch=1,
        seed=42,
        stopped_early=False,
        seconds=0.5,
        cpu_capability="AVX2",
        threads=1,
        history=(
            EpochRecord(
                epoch=1, train_loss=1.1, validation_loss=1.0, learning_rate=1e-3
            ),
            EpochRecord(
                epoch=2, train_loss=1.0, validation_loss=1.1, learning_rate=1e-3
            ),
        ),
    )
