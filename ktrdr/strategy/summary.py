"""A strategy in words: what it looks at, learns, decides and pays."""

from collections.abc import Iterator

import numpy as np

from ktrdr.fuzzy import FuzzySet
from ktrdr.schemas import Part
from ktrdr.strategy.data_spec import TrainingData
from ktrdr.strategy.inputs import feature_ids
from ktrdr.strategy.spec import Strategy
from ktrdr.strategy.trading_spec import BacktestSpec, DecisionsSpec
from ktrdr.strategy.training_spec import TrainingSpec

Line = tuple[str, str]


def summarize(strategy: Strategy) -> list[Line]:
    """Return topics and lines; an empty topic goes on with the one before."""
    sections = {
        "about": [strategy.description] if strategy.description else [],
        "data": list(_data(strategy.training_data)),
        "indicators": [
            f"{name}: {_call(use.type, use.parameters)}"
            for name, use in strategy.indicators.items()
        ],
        "fuzzy sets": [
            f"{name} of {one.indicator}: {_terms(one)}"
            for name, one in strategy.fuzzy_sets.items()
        ],
        "features": _features(strategy),
        "network": [_spec(strategy.model)],
        "training": list(_training(strategy.training)),
        "decisions": list(_decisions(strategy.decisions)),
        "backtest": list(_backtest(strategy.backtest)),
    }
    return [
        (topic if position == 0 else "", line)
        for topic, lines in sections.items()
        for position, line in enumerate(lines)
    ]


def _data(data: TrainingData) -> Iterator[str]:
    yield f"{', '.join(data.symbols)} on {', '.join(data.timeframes)}"
    yield f"decides at the close of each {data.base_timeframe} bar"
    if data.start or data.end:
        yield f"from {data.start or 'the first bar'} until {data.end or 'the last'}"
    if data.history_required:
        yield f"leaves out the first {data.history_required:,} bars"


def _terms(fuzzy_set: FuzzySet) -> str:
    if fuzzy_set.auto is not None:
        names = ", ".join(
            name if quantile is None else f"{name} at quantile {quantile:g}"
            for name, quantile in fuzzy_set.auto.items()
        )
        return f"{names} (fitted to the training bars)"
    return ", ".join(
        f"{name} {one.type}{_tuple(one.parameters)}"
        for name, one in fuzzy_set.memberships.items()
    )


def _features(strategy: Strategy) -> list[str]:
    ids = feature_ids(strategy)
    return [f"{len(ids)}: {', '.join(ids)}"]


def _training(training: TrainingSpec) -> Iterator[str]:
    yield f"labels: {_spec(training.labels)}"
    split = training.split
    yield (
        f"split: {split.train:.0%} training, {split.validation:.0%} validation, "
        f"{split.test:.0%} test, embargo {split.embargo} bars"
    )
    yield f"loss: {_spec(training.loss)}; optimizer: {_spec(training.optimizer)}"
    yield (
        f"at most {training.epochs:,} epochs of batches of {training.batch_size:,}, "
        f"seed {training.seed}"
    )
    stopping, scheduler = training.early_stopping, training.scheduler
    yield (
        f"stops after {stopping.patience} epochs without improvement"
        if stopping
        else "never stops early"
    )
    if scheduler:
        yield f"learning rate: {_spec(scheduler)}"
    if training.gradient_clip:
        yield f"gradient clipped at norm {training.gradient_clip:g}"
    if training.class_weights is not None:
        yield f"class weights: {_weights(training.class_weights)}"


def _weights(weights: object) -> str:
    return _pairs(weights) if isinstance(weights, dict) else str(weights)


def _decisions(decisions: DecisionsSpec) -> Iterator[str]:
    thresholds = decisions.thresholds
    sides = "long and short" if decisions.shorts else "long only"
    yield f"{decisions.format}, {sides}"
    if thresholds.long or thresholds.short:
        yield f"thresholds: {_pairs(_values(thresholds))}"
    yield (
        "leaves when the signal turns"
        if decisions.exit_on == "opposite"
        else "leaves when the signal ends"
    )
    if decisions.min_signal_separation:
        yield f"at least {decisions.min_signal_separation} bars between entries"


def _backtest(backtest: BacktestSpec) -> Iterator[str]:
    yield f"cash: {backtest.initial_cash:,.0f}, lot step {backtest.lot_step:g}"
    yield f"costs: {_pairs(_values(backtest.costs)) or 'none'}"
    yield f"size: {_spec(backtest.sizing)}"
    yield f"stops: {_pairs(_values(backtest.stops)) or 'none'}"


def _spec(part: Part) -> str:
    values = _values(part)
    return _call(str(values.pop("type")), values)


def _values(part: Part) -> dict[str, object]:
    # What is 0 or absent is switched off.
    return {key: value for key, value in dict(part).items() if value}


def _call(name: str, values: dict[str, object] | dict[str, int | float | str]) -> str:
    return f"{name}({_pairs(values)})" if values else name


def _pairs(values: dict[str, object] | dict[str, int | float | str]) -> str:
    return ", ".join(f"{key} {_word(value)}" for key, value in values.items())


def _word(value: object) -> str:
    if isinstance(value, tuple):
        return _tuple(value)
    if isinstance(value, float):
        return np.format_float_positional(value, trim="-")
    return str(value)


def _tuple(values: tuple[object, ...]) -> str:
    return f"({', '.join(map(_word, values))})"
