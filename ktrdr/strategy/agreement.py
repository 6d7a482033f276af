"""Whether labels, loss, decisions, sizes and stops go together."""

from collections.abc import Iterator

from ktrdr.strategy.draft import Draft, Finding
from ktrdr.strategy.trading_spec import BacktestSpec, RiskSizing, UnitsSizing
from ktrdr.strategy.training_spec import (
    CosineScheduler,
    ForwardReturnLabels,
    TrainingSpec,
    TripleBarrierLabels,
)

LOSSES = {
    "classification": ("cross_entropy", "focal"),
    "regression": ("huber", "mse"),
}


def disagreements(draft: Draft) -> Iterator[Finding]:
    """Yield what contradicts itself between labels, loss, decisions and stops."""
    if draft.training and draft.decisions:
        yield from _loss_problems(draft.training, draft.decisions.format)
        if draft.decisions.format == "regression":
            yield from _regression_problems(draft.training)
    if draft.training:
        yield from _barrier_problems(draft.training)
        yield from _scheduler_problems(draft.training)
    if draft.backtest:
        yield from _sizing_problems(draft.backtest)


def _loss_problems(training: TrainingSpec, wanted: str) -> Iterator[Finding]:
    found, expected = training.loss.type, LOSSES[wanted]
    if found not in expected:
        path = ("training", "loss") if _is_set(training, "loss") else ("training",)
        yield Finding(
            path=path,
            message=f"the loss is {found}, and decisions.format {wanted} needs "
            + " or ".join(expected),
            hint=f"write loss: {{type: {expected[0]}}}",
        )


def _is_set(training: TrainingSpec, key: str) -> bool:
    return key in training.model_fields_set


def _regression_problems(training: TrainingSpec) -> Iterator[Finding]:
    labels = training.labels
    if not isinstance(labels, ForwardReturnLabels):
        yield Finding(
            path=("training", "labels", "type"),
            message=f"{labels.type} labels are classes, and decisions.format "
            "regression needs forward_return",
        )
    elif labels.threshold != 0:
        yield Finding(
            path=("training", "labels", "threshold"),
            message=f"found {labels.threshold:g}, and regression learns the return "
            "itself, without a threshold",
            hint="remove it; decisions.thresholds say which return is enough",
        )
    if training.class_weights is not None:
        yield Finding(
            path=("training", "class_weights"),
            message="regression has no classes to weigh",
            hint="remove it, or set decisions.format to classification",
        )


def _barrier_problems(training: TrainingSpec) -> Iterator[Finding]:
    labels = training.labels
    if not isinstance(labels, TripleBarrierLabels) or labels.unit == "atr":
        return
    if labels.stop_loss >= 1:
        yield Finding(
            path=("training", "labels", "stop_loss"),
            message=f"found {labels.stop_loss:g}, expected a fraction of the price "
            "below 1",
            hint="0.01 is 1 %; for multiples of the average true range set unit: atr",
        )


def _scheduler_problems(training: TrainingSpec) -> Iterator[Finding]:
    scheduler, rate = training.scheduler, training.optimizer.learning_rate
    if isinstance(scheduler, CosineScheduler) and scheduler.minimum >= rate:
        yield Finding(
            path=("training", "scheduler", "minimum"),
            message=f"found {scheduler.minimum:g}, expected less than the learning "
            f"rate, {rate:g}, from which it falls",
        )


def _sizing_problems(backtest: BacktestSpec) -> Iterator[Finding]:
    sizing = backtest.sizing
    if isinstance(sizing, RiskSizing) and backtest.stops.stop_loss is None:
        yield Finding(
            path=("backtest", "sizing", "type"),
            message="size by risk needs backtest.stops.stop_loss, found none",
            hint="add a stop_loss, or choose another type of sizing",
        )
    if isinstance(sizing, UnitsSizing) and sizing.units < backtest.lot_step:
        yield Finding(
            path=("backtest", "sizing", "units"),
            message=f"found {sizing.units:g}, less than lot_step "
            f"{backtest.lot_step:g}: every size would be rounded down to 0",
        )
