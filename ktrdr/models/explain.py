"""Why the model said what it said at a bar: exact contributions, and words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ktrdr.errors import InputError
from ktrdr.features import FeatureMatrix
from ktrdr.models.attribution import contributions
from ktrdr.models.bundle import Bundle, predictor_of
from ktrdr.models.decisions import decide, signals
from ktrdr.models.inputs import InputGroup, input_groups
from ktrdr.models.predictor import RETURN, DensePredictor, softmax
from ktrdr.models.wording import Margin, baseline, position, reasons, verdict
from ktrdr.typing import FloatArray, TargetArray


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """What one feature, or all features of one input, added to the margin.

    Attributes
    ----------
    name : str
        Feature id, or ``{timeframe}_{fuzzy_set}``.
    group : str
        The input that it belongs to.
    words : str
        What the bar says, such as ``1h rsi_momentum is high (0.83)``.
    value, reference : float or None
        The feature at this bar and its mean over the training rows; None for an
        input of several features.
    amount : float
        Added to the margin; above 0 it speaks for what the model says.
    """

    name: str
    group: str
    words: str
    value: float | None
    reference: float | None
    amount: float


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why the model said what it said at one bar.

    Attributes
    ----------
    row : int
        Of the feature matrix.
    time : datetime64[ms]
        Opening time of the bar, at whose close this is known.
    outputs : dict of str to float
        Class probabilities, or the predicted return.
    says : str
        The most probable class, or the direction of the predicted return.
    runner_up : str or None
        The next most probable class; None for a return.
    target : int
        Position decided: -1, 0 or 1.
    margin, reference_margin : float
        Logit of ``says`` minus that of ``runner_up``, or the predicted return in
        the direction of ``says``, at this bar and at the mean training row. All
        contributions together make the difference.
    features, inputs : tuple of Contribution
        By feature in the order of the matrix; by input, the largest amount first.
    words : str
        The whole in a few sentences.
    """

    row: int
    time: np.datetime64
    outputs: dict[str, float]
    says: str
    runner_up: str | None
    target: int
    margin: float
    reference_margin: float
    features: tuple[Contribution, ...]
    inputs: tuple[Contribution, ...]
    words: str


def explain_bars(
    bundle: Bundle, features: FeatureMatrix, rows: Sequence[int]
) -> tuple[Explanation, ...]:
    """Return why the model said what it said at ``rows``.

    Parameters
    ----------
    bundle : Bundle
        The model.
    features : FeatureMatrix
        Of the symbol, from the first bar that decisions began with.
    rows : sequence of int
        Of the matrix.

    Raises
    ------
    InputError
        If a row does not exist or one of its features is not known.

    Notes
    -----
    A bar is compared with the mean row of the training features, along the path
    that ``ktrdr.models.attribution`` describes.
    """
    predictor = predictor_of(bundle)
    logits = predictor.logits(features.values)
    outputs = logits if predictor.outputs == RETURN else softmax(logits)
    targets = decide(bundle.strategy.decisions, outputs)
    return tuple(
        _explain(bundle, predictor, features, outputs, targets, _checked(features, row))
        for row in rows
    )


def _checked(features: FeatureMatrix, row: int) -> int:
    if not 0 <= row < len(features.values):
        raise InputError(f"no bar {row}: there are {len(features.values)}")
    unknown = np.flatnonzero(np.isnan(features.values[row]))
    if unknown.size:
        names = ", ".join(features.names[column] for column in unknown[:5])
        raise InputError(
            f"bar {features.time[row]} can't be explained: {unknown.size} of "
            f"{len(features.names)} features are not known yet, such as {names}"
        )
    return row


def _explain(
    bundle: Bundle,
    predictor: DensePredictor,
    features: FeatureMatrix,
    outputs: FloatArray,
    targets: TargetArray,
    row: int,
) -> Explanation:
    values = features.values[row]
    reference = np.array(bundle.manifest.features.reference)
    margin = _margin(predictor.outputs, outputs[row])
    amounts = contributions(predictor, margin.weights, reference, values)
    ends = predictor.logits(np.stack([reference, values])) @ margin.weights
    inputs = _by_input(bundle, values, amounts)
    decisions = bundle.strategy.decisions
    signal = int(signals(decisions, outputs[row : row + 1])[0])
    sentences = (
        verdict(features.time[row], _named(predictor.outputs, outputs[row]), margin),
        *reasons([(one.words, one.amount) for one in inputs], ends),
        baseline(margin, ends),
        position(decisions, margin.says, signal, int(targets[row])),
    )
    return Explanation(
        row=row,
        time=features.time[row],
        outputs=_named(predictor.outputs, outputs[row]),
        says=margin.says,
        runner_up=margin.runner_up,
        target=int(targets[row]),
        margin=float(ends[1]),
        reference_margin=float(ends[0]),
        features=_by_feature(bundle, values, reference, amounts),
        inputs=inputs,
        words=" ".join(filter(None, sentences)),
    )


def _named(names: tuple[str, ...], values: FloatArray) -> dict[str, float]:
    return dict(zip(names, map(float, values), strict=True))


def _margin(names: tuple[str, ...], outputs: FloatArray) -> Margin:
    if names == RETURN:
        says = "short" if outputs[0] < 0 else "long"
        side = -1.0 if outputs[0] < 0 else 1.0
        return Margin(says=says, runner_up=None, weights=np.array([side]))
    first, second = np.argsort(-outputs, kind="stable")[:2]
    weights = np.zeros(len(names))
    weights[first], weights[second] = 1.0, -1.0
    return Margin(says=names[first], runner_up=names[second], weights=weights)


def _by_feature(
    bundle: Bundle, values: FloatArray, reference: FloatArray, amounts: FloatArray
) -> tuple[Contribution, ...]:
    names = bundle.manifest.features.names
    return tuple(
        Contribution(
            name=names[column],
            group=group.key,
            words=_feature_words(group, column, values),
            value=float(values[column]),
            reference=float(reference[column]),
            amount=float(amounts[column]),
        )
        for group in input_groups(bundle.strategy)
        for column in range(group.columns.start, group.columns.stop)
    )


def _feature_words(group: InputGroup, column: int, values: FloatArray) -> str:
    if not group.is_fuzzy:
        return group.state(values[group.columns])
    term = group.memberships[column - group.columns.start]
    return f"{group.title} is {term} to {values[column]:.2f}"


def _by_input(
    bundle: Bundle, values: FloatArray, amounts: FloatArray
) -> tuple[Contribution, ...]:
    found = [
        Contribution(
            name=group.key,
            group=group.key,
            words=group.state(values[group.columns]),
            value=None,
            reference=None,
            amount=float(amounts[group.columns].sum()),
        )
        for group in input_groups(bundle.strategy)
    ]
    return tuple(sorted(found, key=lambda one: -abs(one.amount)))
