"""Whether the parts of a strategy that name each other agree."""

from collections.abc import Iterator
from itertools import chain

from ktrdr.data import Timeframe
from ktrdr.indicators import check_use
from ktrdr.strategy.agreement import disagreements
from ktrdr.strategy.draft import Draft, Finding
from ktrdr.strategy.inputs import fuzzy_feature_ids, raw_feature_id
from ktrdr.strategy.names import listed, nearest
from ktrdr.strategy.tree import Path, shorten

MAX_FEATURES = 10_000


def contradictions(draft: Draft) -> Iterator[Finding]:
    """Yield all that makes the parts of ``draft`` impossible together."""
    yield from _indicator_problems(draft)
    yield from _fuzzy_set_problems(draft)
    yield from _training_data_problems(draft)
    yield from _input_problems(draft)
    yield from _feature_problems(draft)
    yield from disagreements(draft)


def _indicator_problems(draft: Draft) -> Iterator[Finding]:
    for name, use in (draft.indicators or {}).items():
        for problem in check_use(use) if use else ():
            path = ("indicators", name, problem.key)
            yield Finding(path=path, message=problem.message, hint=problem.hint)


def _fuzzy_set_problems(draft: Draft) -> Iterator[Finding]:
    for name, fuzzy_set in (draft.fuzzy_sets or {}).items():
        if fuzzy_set:
            path = ("fuzzy_sets", name, "indicator")
            yield from _reference_problems(draft, path, fuzzy_set.indicator)


def _reference_problems(draft: Draft, path: Path, reference: str) -> Iterator[Finding]:
    indicator, dot, output = reference.partition(".")
    if draft.indicators is None:
        return
    if indicator not in draft.indicators:
        yield Finding(
            path=path,
            message=f"unknown indicator {shorten(indicator)!r}, expected one of "
            + listed(draft.indicators),
            hint=nearest(indicator, draft.indicators),
        )
        return
    outputs = draft.outputs_of(indicator)
    if dot and outputs is not None and output not in outputs:
        yield Finding(
            path=path,
            message=f"{shorten(indicator)} has no output {shorten(output)!r}, expected "
            f"one of {listed(outputs)}",
            hint=nearest(output, outputs),
        )


def _training_data_problems(draft: Draft) -> Iterator[Finding]:
    data = draft.training_data
    if data is None:
        return
    for key, values in (("symbols", data.symbols), ("timeframes", data.timeframes)):
        for position, value in enumerate(values):
            if value in values[:position]:
                yield Finding(
                    path=("training_data", key, position),
                    message=f"found {value} twice, expected it once",
                )
    lowest = min(data.timeframes, key=_length)
    base = data.base_timeframe
    path = ("training_data", "base_timeframe")
    if base not in data.timeframes:
        yield Finding(
            path=path,
            message=f"found {base}, expected one of the timeframes "
            + listed(data.timeframes),
        )
    elif base != lowest:
        yield Finding(
            path=path,
            message=f"found {base}, expected the lowest of the timeframes, {lowest}",
            hint="a feature of a lower timeframe would be known within a base bar",
        )


def _length(timeframe: str) -> int:
    return Timeframe(timeframe).milliseconds


def _input_problems(draft: Draft) -> Iterator[Finding]:
    for position, one in enumerate(draft.nn_inputs):
        if one is None:
            continue
        path = ("nn_inputs", position)
        if one.raw_indicator is not None:
            yield from _reference_problems(
                draft, (*path, "raw_indicator"), one.raw_indicator
            )
        if one.fuzzy_set is not None and draft.fuzzy_sets is not None:
            if one.fuzzy_set not in draft.fuzzy_sets:
                yield Finding(
                    path=(*path, "fuzzy_set"),
                    message=f"unknown fuzzy set {shorten(one.fuzzy_set)!r}, expected "
                    f"one of {listed(draft.fuzzy_sets)}",
                    hint=nearest(one.fuzzy_set, draft.fuzzy_sets),
                )
        if one.timeframes != "all":
            yield from _timeframe_problems(draft, path, one.timeframes)


def _timeframe_problems(
    draft: Draft, path: Path, timeframes: tuple[str, ...]
) -> Iterator[Finding]:
    data = draft.training_data
    for index, timeframe in enumerate(timeframes):
        if timeframe in timeframes[:index]:
            yield Finding(
                path=(*path, "timeframes", index),
                message=f"found {timeframe} twice, expected it once",
            )
        elif data and timeframe not in data.timeframes:
            yield Finding(
                path=(*path, "timeframes", index),
                message=f"found {timeframe}, expected one of "
                f"training_data.timeframes: {listed(data.timeframes)}",
                hint="add it there if the network is to see it",
            )


def _feature_problems(draft: Draft) -> Iterator[Finding]:
    made_by: dict[str, int] = {}
    for position in range(len(draft.nn_inputs)):
        ids = set(_feature_ids(draft, position))
        repeated = sorted(ids & made_by.keys())
        made_by |= dict.fromkeys(ids, position)
        if repeated:
            yield Finding(
                path=("nn_inputs", position),
                message=f"makes the feature {shorten(repeated[0], 200)}, which an "
                "input before it makes already",
                hint="remove one of the inputs or rename the fuzzy set",
            )
    if len(made_by) > MAX_FEATURES:
        yield Finding(
            path=("nn_inputs",),
            message=f"makes {len(made_by):,} features, expected at most "
            f"{MAX_FEATURES:,}",
        )


def _feature_ids(draft: Draft, position: int) -> Iterator[str]:
    one = draft.nn_inputs[position]
    data = draft.training_data
    if one is None or data is None:
        return iter(())
    timeframes = data.timeframes if one.timeframes == "all" else one.timeframes
    if one.raw_indicator is not None:
        reference = one.raw_indicator
        return (raw_feature_id(timeframe, reference) for timeframe in timeframes)
    fuzzy_set = (draft.fuzzy_sets or {}).get(one.fuzzy_set or "")
    if fuzzy_set is None:
        return iter(())
    return chain.from_iterable(
        fuzzy_feature_ids(timeframe, one.fuzzy_set or "", fuzzy_set.names)
        for timeframe in timeframes
    )
