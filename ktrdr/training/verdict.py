"""Whether the model is better than its baselines, in plain words."""

import math
from collections.abc import Mapping
from typing import Literal

from ktrdr.models import CLASSES, Metrics
from ktrdr.schemas import Part
from ktrdr.training.evaluate import Measures

# Two standard errors: chance alone goes further in one case of twenty.
_STANDARD_ERRORS = 2.0
# Share of zigzag labels that the past tells where prices walk at random. What a leg
# has fallen back from its extreme, as a share x of the threshold, has the density
# 2 (1 - x) there, and the leg goes on with probability 1 - x; so the better guess of
# the two is right in the integral of 2 (1 - x) max(x, 1 - x) = 3 / 4.
_ZIGZAG_SHARE = 0.75
_Kind = Literal["model", "linear", "majority"]
_CLASS_BASELINES: dict[_Kind, str] = {
    "linear": "the linear baseline",
    "majority": "always the majority",
}
_RETURN_BASELINES: dict[_Kind, str] = {
    "linear": "the linear baseline",
    "majority": "always the mean return of the training part",
}


class Verdict(Part):
    """What the test part says of the model.

    Attributes
    ----------
    is_better : bool
        Whether the model is better than each baseline by more than chance explains.
    sentences : tuple of str
        Why, in words.
    """

    is_better: bool
    sentences: tuple[str, ...]


def judge(metrics: Metrics, *, mean_span: float, are_zigzag: bool = False) -> Verdict:
    """Return the verdict on the test part.

    Parameters
    ----------
    metrics : Metrics
        Of all parts. Classes are judged by balanced accuracy, returns by the root
        mean squared error and the correlation with what came.
    mean_span : float
        Bars that a label looks ahead on average: labels overlap, so only one in so
        many samples counts as independent.
    are_zigzag : bool
        Whether the labels are those of a zigzag. Its legs begin before the bar, so
        the past tells most labels even where prices walk at random and nothing can
        be gained: the model must do better than that.

    Notes
    -----
    Standard errors take the remaining samples for independent; symbols that move
    together make them too small.
    """
    test = metrics["test"]
    span = max(mean_span, 1.0)
    if "rmse" in test["model"]:
        beats, sentences = _judge_returns(test, span)
    else:
        beats, sentences = _judge_classes(test, span)
    if are_zigzag:
        beats["chance"] = _judge_zigzag(test, span, sentences)
    is_better = all(beats.values())
    return Verdict(is_better=is_better, sentences=(*sentences, _closing(beats)))


def _closing(beats: Mapping[str, bool]) -> str:
    if all(beats.values()):
        return (
            "It is better than its baselines on these samples; the backtest tells "
            "whether that survives costs."
        )
    if all(is_beaten for name, is_beaten in beats.items() if name != "linear"):
        return (
            "So it is not shown to be better than the linear baseline, which would do "
            "in its place; the backtest tells what either is worth after costs."
        )
    return (
        "So it is not shown to be better than its baselines: expect nothing of its "
        "trades."
    )


def _judge_classes(
    test: Mapping[_Kind, Measures], mean_span: float
) -> tuple[dict[str, bool], list[str]]:
    own = _value(test["model"], "balanced_accuracy")
    own_error = balanced_accuracy_error(test["model"], mean_span)
    sentences = [f"Balanced accuracy on the test part: {own:.3f}."]
    always = _only_prediction(test["model"])
    if always:
        sentences.append(f"It says {always} for every bar of the test part.")
    beats: dict[str, bool] = {}
    for key, name in _CLASS_BASELINES.items():
        other = _value(test[key], "balanced_accuracy")
        other_error = balanced_accuracy_error(test[key], mean_span)
        chance = _STANDARD_ERRORS * math.hypot(own_error, other_error)
        beats[key] = own - other > chance
        sentences.append(_comparison(f"{name} ({other:.3f})", own - other, chance))
    return beats, sentences


def _judge_zigzag(
    test: Mapping[_Kind, Measures], mean_span: float, sentences: list[str]
) -> bool:
    gain = _value(test["model"], "balanced_accuracy") - _ZIGZAG_SHARE
    chance = _STANDARD_ERRORS * balanced_accuracy_error(test["model"], mean_span)
    baseline = (
        f"what the past tells of zigzag labels at random prices ({_ZIGZAG_SHARE:.3f})"
    )
    sentences.append(_comparison(baseline, gain, chance))
    return gain > chance


def _judge_returns(
    test: Mapping[_Kind, Measures], mean_span: float
) -> tuple[dict[str, bool], list[str]]:
    own = test["model"]
    n_independent = max(_value(own, "count") / mean_span, 1.0)
    chance = _STANDARD_ERRORS / math.sqrt(n_independent)
    correlation = own["correlation"] or 0.0
    sentences = [
        f"Correlation of predicted and real returns on the test part: "
        f"{correlation:.3f}; chance alone reaches {chance:.3f} (two standard errors)."
    ]
    beats = {"chance": correlation > chance}
    for key, name in _RETURN_BASELINES.items():
        ratio = _value(own, "rmse") / _value(test[key], "rmse")
        beats[key] = ratio < 1
        word = "below" if ratio < 1 else "not below"
        sentences.append(
            f"Its root mean squared error is {word} that of {name} "
            f"({(ratio - 1):+.2%})."
        )
    return beats, sentences


def balanced_accuracy_error(measures: Measures, mean_span: float) -> float:
    """Return the standard error of a balanced accuracy.

    That of a mean of independent shares, one a class that occurs, each with
    count / ``mean_span`` independent samples.
    """
    variances = []
    for name in CLASSES:
        recall, count = measures[f"recall_{name}"], measures[f"count_{name}"]
        if recall is not None and count:
            variances.append(recall * (1 - recall) * mean_span / count)
    return math.sqrt(sum(variances)) / max(len(variances), 1)


def _comparison(baseline: str, gain: float, chance: float) -> str:
    if gain <= 0:
        return f"That is not above {baseline}."
    explains = "does not explain" if gain > chance else "may explain"
    return (
        f"That is {gain:.3f} above {baseline}; chance {explains} it "
        f"(two standard errors are {chance:.3f})."
    )


def _only_prediction(measures: Measures) -> str | None:
    predicted = [name for name in CLASSES if measures[f"predicted_{name}"]]
    return predicted[0] if len(predicted) == 1 else None


def _value(measures: Measures, name: str) -> float:
    # Measures that are always defined.
    return float(measures[name] or 0.0)
