"""Store a model with drawn weights for the sample bars; needs no torch.

An image that only backtests has nothing else to backtest.
"""

from itertools import pairwise

import numpy as np

from ktrdr.data import Bars, BarStore, install_sample, to_iso
from ktrdr.features import (
    FEATURE_CODE_VERSION,
    FeatureMatrix,
    FitSample,
    FittedFeatures,
    compute_features,
    feature_definitions,
    feature_fingerprint,
    fit_features,
    load_symbol_bars,
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
    save_bundle,
    tensor_records,
)
from ktrdr.settings import settings
from ktrdr.storage import digest_of, open_store
from ktrdr.strategy import Strategy, find_strategy, parse_strategy, read_strategy_text

_STRATEGY = "minimal"
# One with which the model trades.
_SEED = 3
_TRAIN, _VALIDATION = 0.6, 0.8


def _main() -> None:
    store = open_store(settings().store_location)
    bar_store = BarStore(store)
    install_sample(bar_store)
    text = read_strategy_text(find_strategy(_STRATEGY))
    strategy = parse_strategy(text)
    symbol = load_symbol_bars(bar_store, strategy, "EURUSD", {})
    in_training = np.arange(len(symbol.base)) < _TRAIN * len(symbol.base)
    fitted = fit_features(
        strategy, [FitSample(bars=symbol.bars, in_training=in_training)]
    )
    matrix = compute_features(strategy, symbol.bars, fitted)
    outputs = outputs_of(strategy)
    sizes = (len(matrix.names), *strategy.model.hidden_layers, len(outputs))
    description = ModelDescription(
        name=strategy.name,
        strategy_yaml=text,
        strategy_digest=digest_of(text.encode()),
        symbols=("EURUSD",),
        snapshots=tuple(symbol.uses),
        split=_split(symbol.base),
        features=_features(strategy, fitted, matrix),
        network=NetworkRecord(
            type="mlp",
            layer_sizes=sizes,
            activation=strategy.model.activation,
            outputs=outputs,
        ),
        metrics={"test": {"model": {"loss": None}}},
        fit=_fit(),
        environment={},
    )
    rng = np.random.default_rng(_SEED)
    tensors = {
        name: rng.normal(0, 1, record.shape).astype(np.float32)
        for name, record in tensor_records(sizes).items()
    }
    print(save_bundle(store, description, tensors))


def _split(base: Bars) -> SplitRecord:
    cuts = [0, *(int(share * len(base)) for share in (_TRAIN, _VALIDATION)), len(base)]
    train, validation, test = (
        SplitPart(
            start=to_iso(base.time[first]),
            end=to_iso(base.time[end - 1]),
            n_samples=end - first,
            n_purged=0,
        )
        for first, end in pairwise(cuts)
    )
    return SplitRecord(train=train, validation=validation, test=test, embargo=0)


def _features(
    strategy: Strategy, fitted: FittedFeatures, matrix: FeatureMatrix
) -> FeatureRecord:
    reference = matrix.values[matrix.is_known].mean(axis=0)
    return FeatureRecord(
        names=matrix.names,
        fingerprint=feature_fingerprint(strategy, fitted),
        code_version=FEATURE_CODE_VERSION,
        definitions=feature_definitions(strategy, fitted),
        fitted=fitted,
        reference=tuple(reference.tolist()),
    )


def _fit() -> FitRecord:
    epoch = EpochRecord(
        epoch=1, train_loss=1.0, validation_loss=1.0, learning_rate=1e-3
    )
    return FitRecord(
        epochs_run=1,
        best_epoch=1,
        seed=_SEED,
        stopped_early=False,
        seconds=0.0,
        cpu_capability="none",
        threads=1,
        history=(epoch,),
    )


if __name__ == "__main__":
    _main()
