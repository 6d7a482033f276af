"""Keys that stand in a strategy file and have no effect: each is an error."""

from collections.abc import Iterator

from ktrdr.strategy.draft import Draft, Finding
from ktrdr.strategy.training_spec import StepScheduler, TripleBarrierLabels


def idle_keys(draft: Draft) -> Iterator[Finding]:
    """Yield what is written in the file and changes nothing."""
    yield from _idle_training_keys(draft)
    yield from _idle_scheduler(draft)
    yield from _idle_thresholds(draft)
    if None not in draft.nn_inputs:
        yield from _unused_timeframes(draft)
        yield from _unused_fuzzy_sets(draft)
        yield from _unused_indicators(draft)


def _idle_training_keys(draft: Draft) -> Iterator[Finding]:
    if draft.training is None:
        return
    optimizer, labels = draft.training.optimizer, draft.training.labels
    if "momentum" in optimizer.model_fields_set and optimizer.type != "sgd":
        yield Finding(
            path=("training", "optimizer", "momentum"),
            message=f"has no effect with {optimizer.type}, only with sgd",
            hint="remove it",
        )
    if (
        isinstance(labels, TripleBarrierLabels)
        and "atr_period" in labels.model_fields_set
        and labels.unit != "atr"
    ):
        yield Finding(
            path=("training", "labels", "atr_period"),
            message=f"has no effect with unit {labels.unit}, only with atr",
            hint="remove it, or set unit: atr",
        )


def _idle_scheduler(draft: Draft) -> Iterator[Finding]:
    training = draft.training
    scheduler = training.scheduler if training else None
    if (
        training
        and isinstance(scheduler, StepScheduler)
        and scheduler.every_epochs >= training.epochs
    ):
        yield Finding(
            path=("training", "scheduler", "every_epochs"),
            message=f"has no effect: training ends after {training.epochs} epochs",
            hint="make it smaller or remove the scheduler",
        )


def _idle_thresholds(draft: Draft) -> Iterator[Finding]:
    decisions = draft.decisions
    if decisions is None or decisions.shorts or decisions.exit_on == "opposite":
        return
    if "short" in decisions.thresholds.model_fields_set:
        yield Finding(
            path=("decisions", "thresholds", "short"),
            message="has no effect: decisions.shorts is false",
            hint="remove one of them",
        )


def _unused_timeframes(draft: Draft) -> Iterator[Finding]:
    data = draft.training_data
    inputs = [one.timeframes for one in draft.nn_inputs if one]
    if data is None or "all" in inputs:
        return
    used = {data.base_timeframe}.union(*inputs)
    for position, timeframe in enumerate(data.timeframes):
        if timeframe not in used:
            yield Finding(
                path=("training_data", "timeframes", position),
                message=f"{timeframe} is unused: no entry of nn_inputs has it",
                hint="add it to an input's timeframes or remove it",
            )


def _unused_fuzzy_sets(draft: Draft) -> Iterator[Finding]:
    used = {one.fuzzy_set for one in draft.nn_inputs if one and one.fuzzy_set}
    known = draft.fuzzy_sets or {}
    # A misspelt reference is reported already; its target would only add noise.
    if used <= known.keys():
        for name in known:
            if name not in used:
                yield Finding(
                    path=("fuzzy_sets", name),
                    message="is unused: no entry of nn_inputs names it",
                    hint="add it to nn_inputs or remove it",
                )


def _unused_indicators(draft: Draft) -> Iterator[Finding]:
    fuzzy_sets = (draft.fuzzy_sets or {}).values()
    if draft.fuzzy_sets is None or None in fuzzy_sets:
        return
    references = [one.indicator for one in fuzzy_sets if one]
    references += [
        one.raw_indicator for one in draft.nn_inputs if one and one.raw_indicator
    ]
    used = {reference.partition(".")[0] for reference in references}
    known = draft.indicators or {}
    if used <= known.keys():
        for name in known:
            if name not in used:
                yield Finding(
                    path=("indicators", name),
                    message="is unused: no fuzzy set and no raw_indicator names it",
                    hint="use it or remove it",
                )
